#include "rules/slices.h"

#include <algorithm>

namespace nightjar::rules {

void KeptCounters::Keep(Counter counter) {
  if (std::find(list_.begin(), list_.end(), counter) != list_.end()) return;
  places_[static_cast<size_t>(counter)] = static_cast<uint8_t>(list_.size());
  list_.push_back(counter);
}

void Slices::Add(int64_t number, const KeptCounters& kept, const Counts& counts) {
  const size_t width = kept.list().size();
  totals_.resize(width);
  if (numbers_.empty() || numbers_.back() != number) {
    numbers_.push_back(number);
    values_.resize(values_.size() + width);
  }
  uint64_t* newest = values_.data() + values_.size() - width;
  for (size_t i = 0; i < width; ++i) {
    const CounterKey& key = KeyOf(kept.list()[i]);
    newest[i] = Together(key, newest[i], counts[key.counter]);
    totals_[i] = Together(key, totals_[i], counts[key.counter]);
  }
}

void Slices::Forget(int64_t first, const KeptCounters& kept) {
  if (numbers_.empty() || numbers_.front() >= first) return;
  const size_t width = kept.list().size();
  const auto stay = std::lower_bound(numbers_.begin(), numbers_.end(), first);
  const auto gone = stay - numbers_.begin();
  numbers_.erase(numbers_.begin(), stay);
  values_.erase(values_.begin(), values_.begin() + gone * static_cast<std::ptrdiff_t>(width));
  std::fill(totals_.begin(), totals_.end(), 0);
  for (size_t at = 0; at < values_.size(); ++at)
    totals_[at % width] =
        Together(KeyOf(kept.list()[at % width]), totals_[at % width], values_[at]);
}

}  // namespace nightjar::rules
