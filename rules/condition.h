// Reads one condition of a rule: NAME {+ NAME} [/ NAME {+ NAME}] (>=|<=) BOUND. Pure.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "rules/rule.h"

namespace nightjar::rules {

// Instead of counters, alone: processor time as a part of what all processors gave.
inline constexpr std::string_view kCpuShare = "cpu_share";

// What may stand around the parts of a condition, and is not theirs.
inline constexpr std::string_view kBlanks = " \t";

// Or a sentence about what is wrong with it.
tl::expected<Condition, std::string> ParseCondition(std::string_view text);

}  // namespace nightjar::rules
