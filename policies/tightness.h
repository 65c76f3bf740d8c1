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
// It is the loosest value that there is: "none", for one.
bool BoundsNothing(const LimitKey& key, const LimitValue& value);
Direction DirectionOf(const LimitKey& key, const LimitValue& from, const LimitValue& to);

}  // namespace nightjar::policy
