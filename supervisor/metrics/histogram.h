// Latencies in buckets of at most 3 % width, from 1 us to over an hour, in 8 KiB, without
// allocation. Loop thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace nightjar {

class Histogram {
 public:
  void Add(uint64_t micros);
  uint64_t count() const { return count_; }
  // The value that a share of all (0.5, 0.99) is not above; 0 when empty. The upper edge of its
  // bucket, so never too low.
  uint64_t Quantile(double share) const;

 private:
  static constexpr int kSubBits = 5;  // 32 buckets for each power of two
  static constexpr int kPowers = 32;
  static size_t BucketOf(uint64_t micros);
  static uint64_t UpperEdge(size_t bucket);

  std::array<uint32_t, (kPowers + 1) << kSubBits> buckets_{};
  uint64_t count_ = 0;
};

}  // namespace nightjar
