// What a condition's amount comes to, and whether that meets its bound. Pure.
#pragma once

#include <optional>

#include "rules/rule.h"

namespace nightjar::rules {

// `amounts[counter]` is what happened within `window`. Nothing: it is a ratio to 0.
template <typename Amounts>
std::optional<double> Measure(const Condition& condition, Seconds window, unsigned processors,
                              const Amounts& amounts) {
  if (condition.is_cpu_share) {
    const std::chrono::duration<double, std::micro> given = window;
    return static_cast<double>(amounts[Counter::kCpu]) / (given.count() * processors);
  }
  double amount = 0;
  for (Counter counter : condition.amount) amount += static_cast<double>(amounts[counter]);
  if (condition.per.empty()) return amount;
  double per = 0;
  for (Counter counter : condition.per) per += static_cast<double>(amounts[counter]);
  if (per == 0) return std::nullopt;
  return amount / per;
}

// `clear_at`: Rule::clear_at during a hit, else 1.
inline bool Meets(const Condition& condition, double value, double clear_at = 1) {
  return condition.at_least ? value >= condition.bound * clear_at
                            : value <= condition.bound / clear_at;
}

// What its bound is written in. A ratio is a number, but where it is an amount for each of
// something that is counted.
inline Unit UnitOf(const Condition& condition) {
  if (condition.is_cpu_share) return Unit::kCount;
  const Unit unit = KeyOf(condition.amount.front()).unit;
  if (condition.per.empty()) return unit;
  return KeyOf(condition.per.front()).unit == Unit::kCount ? unit : Unit::kCount;
}

}  // namespace nightjar::rules
