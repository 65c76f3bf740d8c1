// How often something took how long, in the few buckets that a monitoring system keeps. Any thread
// may add; whoever reads while others add may miss the last of them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "ipc/core/clock.h"

namespace nightjar {

class Durations {
 public:
  // Upper edges, inclusive; what is longer than the last is in a bucket of its own after them.
  static constexpr std::array<Nanos, 14> kEdges = [] {
    using std::chrono::microseconds;
    using std::chrono::milliseconds;
    return std::array<Nanos, 14>{microseconds(50),   microseconds(100), microseconds(250),
                                 microseconds(500),  milliseconds(1),   microseconds(2500),
                                 milliseconds(5),    milliseconds(10),  milliseconds(25),
                                 milliseconds(50),   milliseconds(100), milliseconds(250),
                                 milliseconds(1000), milliseconds(2500)};
  }();

  // What is below zero counts as zero.
  void Add(Nanos took);
  // Of one bucket alone, the one above the last edge included.
  uint64_t InBucket(size_t bucket) const { return buckets_[bucket].load(kRelaxed); }
  Nanos sum() const { return Nanos(sum_ns_.load(kRelaxed)); }

 private:
  static constexpr auto kRelaxed = std::memory_order_relaxed;
  std::array<std::atomic<uint64_t>, kEdges.size() + 1> buckets_{};
  std::atomic<int64_t> sum_ns_{0};
};

}  // namespace nightjar
