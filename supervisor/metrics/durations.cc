#include "supervisor/metrics/durations.h"

#include <algorithm>

namespace nightjar {

void Durations::Add(Nanos took) {
  took = std::max(took, Nanos(0));
  auto edge = std::lower_bound(kEdges.begin(), kEdges.end(), took);
  buckets_[static_cast<size_t>(edge - kEdges.begin())].fetch_add(1, kRelaxed);
  sum_ns_.fetch_add(took.count(), kRelaxed);
}

}  // namespace nightjar
