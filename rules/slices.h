// What one canvas did within one window: a row of up to kSlices slices of its time, those in which
// something happened. The owner says which slice it is and which counters are kept. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "rules/counts.h"

namespace nightjar::rules {

// The counters that a window keeps, and where.
class KeptCounters {
 public:
  // No-op for one that is kept already.
  void Keep(Counter counter);
  const std::vector<const CounterKey*>& keys() const { return keys_; }
  size_t PlaceOf(Counter counter) const { return places_[static_cast<size_t>(counter)]; }

 private:
  std::vector<const CounterKey*> keys_;
  std::array<uint8_t, kCounters> places_{};
};

class Slices {
 public:
  // `number` is not below the newest one.
  void Add(int64_t number, const KeptCounters& kept, const Counts& counts);
  // Only those of `first` and later stay.
  void Forget(int64_t first, const KeptCounters& kept);

  // Of all slices, by the counter's place.
  uint64_t Total(size_t place) const { return totals_.empty() ? 0 : totals_[place]; }
  bool empty() const { return numbers_.empty(); }
  // Its number; there is one.
  int64_t oldest() const { return numbers_.front(); }

 private:
  std::vector<int64_t> numbers_;  // oldest first
  std::vector<uint64_t> values_;  // of each slice its counters, in the order of `numbers_`
  std::vector<uint64_t> totals_;
};

}  // namespace nightjar::rules
