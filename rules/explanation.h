// What people read of a hit: each condition with what it came to, in one sentence. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "rules/hit_finder.h"

namespace nightjar::rules {

// In the unit of the condition's bound, with as few digits as still tell the two apart: "0.83",
// "41.2s", "1.5GiB".
std::string FormatValue(const Condition& condition, double value);

// `values`: of each condition, in their order.
std::vector<Finding> FindingsOf(const Rule& rule, std::span<const double> values);

// "rule runaway (rules.toml:4): in 10m, kills = 25 (>= 20) and kills / runs = 0.83 (>= 0.5)". A
// value that is over only by `clear_at` says from where on it no longer is.
std::string Explain(const Rule& rule, std::span<const double> values);
// "rule runaway (rules.toml:4): over after 25m, not met for 10m".
std::string ExplainEnd(const Rule& rule, Seconds went_on, Seconds not_met);

}  // namespace nightjar::rules
