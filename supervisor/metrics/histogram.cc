#include "supervisor/metrics/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace nightjar {

// Values below 32 have a bucket each; above, the five bits after the leading one choose among 32
// for each power of two.
size_t Histogram::BucketOf(uint64_t micros) {
  if (micros < (1u << kSubBits)) return micros;
  int shift = std::bit_width(micros) - 1 - kSubBits;
  shift = std::min(shift, kPowers - 1);
  uint64_t within = std::min<uint64_t>((micros >> shift) - (1u << kSubBits), (1u << kSubBits) - 1);
  return (static_cast<size_t>(shift + 1) << kSubBits) + within;
}

uint64_t Histogram::UpperEdge(size_t bucket) {
  size_t row = bucket >> kSubBits;
  uint64_t within = bucket & ((1u << kSubBits) - 1);
  if (row == 0) return within;
  return ((within + (1u << kSubBits) + 1) << (row - 1)) - 1;
}

void Histogram::Add(uint64_t micros) {
  ++buckets_[BucketOf(micros)];
  ++count_;
}

uint64_t Histogram::Quantile(double share) const {
  if (count_ == 0) return 0;
  auto rank = static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_)));
  rank = std::clamp<uint64_t>(rank, 1, count_);
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen >= rank) return UpperEdge(bucket);
  }
  return UpperEdge(buckets_.size() - 1);
}

}  // namespace nightjar
