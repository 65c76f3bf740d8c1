// How much a rule file may say. What a finder keeps of a canvas follows from it: for each
// different window kSlices slices of the counters that its rules name. Values only.
#pragma once

#include <chrono>
#include <cstddef>

namespace nightjar::rules {

inline constexpr size_t kRules = 100;
inline constexpr size_t kWindows = 8;  // of different lengths
inline constexpr size_t kConditions = 8;
inline constexpr size_t kConditionBytes = 200;
inline constexpr size_t kActions = 8;
inline constexpr size_t kRuleNameBytes = 63;
inline constexpr size_t kAboutBytes = 200;
inline constexpr size_t kCanvasesNamed = 1000;  // by `only` or `except` of one rule
inline constexpr std::chrono::minutes kWindowMin{1};
inline constexpr std::chrono::hours kWindowMax{24};
inline constexpr std::chrono::hours kHeldMax{24};  // `for` and `keep_firing_for`
inline constexpr std::chrono::minutes kLastingMin{1};
inline constexpr std::chrono::days kLastingMax{366};  // as any control

}  // namespace nightjar::rules
