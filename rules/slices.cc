#include "rules/slices.h"

#include <algorithm>

namespace nightjar::rules {

void KeptCounters::Keep(Counter counter) {
  const CounterKey* key = &KeyOf(counter);
  if (std::find(keys_.begin(), keys_.end(), key) != keys_.end()) return;
  places_[static_cast<size_t>(counter)] = static_cast<uint8_t>(keys_.size());
  keys_.push_back(key);
}

void Slices::Add(int64_t number, const KeptCounters& kept, const Counts& counts) {
  const size_t width = kept.keys().size();
  totals_.resize(width);
  if (numbers_.empty() || numbers_.back() != number) {
    numbers_.push_back(number);
    values_.resize(values_.size() + width);
  }
  uint64_t* newest = values_.data() + values_.size() - width;
  for (size_t i = 0; i < width; ++i) {
    const CounterKey& key = *kept.keys()[i];
    newest[i] = Together(key, newest[i], counts[key.counter]);
    totals_[i] = Together(key, totals_[i], counts[key.counter]);
  }
}

void Slices::Forget(int64_t first, const KeptCounters& kept) {
  if (numbers_.empty() || numbers_.front() >= first) return;
  const size_t width = kept.keys().size();
  const auto stay = std::lower_bound(numbers_.begin(), numbers_.end(), first);
  const auto gone = stay - numbers_.begin();
  numbers_.erase(numbers_.begin(), stay);
  values_.erase(values_.begin(), values_.begin() + gone * static_cast<std::ptrdiff_t>(width));
  std::fill(totals_.begin(), totals_.end(), 0);
  for (size_t row = 0; row < values_.size(); row += width)
    for (size_t i = 0; i < width; ++i)
      totals_[i] = Together(*kept.keys()[i], totals_[i], values_[row + i]);
}

}  // namespace nightjar::rules
