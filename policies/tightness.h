// Which of two values of a limit lets a canvas do less. Pure.
#pragma once

#include "policies/limit_table.h"

namespace nightjar::policy {

enum class Direction {
  kSame,
  kTighter,
  kLooser,
  kOther,  // neither: what a trace leaves out, or how many workers wait
};
Direction DirectionOf(const LimitKey& key, const LimitValue& from, const LimitValue& to);

}  // namespace nightjar::policy
