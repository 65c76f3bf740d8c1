// What changes for whom when one policy takes the place of another: effective limits, not lines.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "policies/policy_layers.h"
#include "policies/tightness.h"

namespace nightjar::policy {

struct LimitChange {
  LimitText from;
  LimitText to;
  Direction direction = Direction::kOther;
};

// Those for whom exactly the same changes.
struct PolicyChange {
  std::vector<std::string>
      who;  // "every other canvas", "plan free", "canvas a", "canvas a, GET /x"
  std::vector<LimitChange> limits;
};

// A handler is told of only where more changes for it than for its canvas; a plan, where both
// policies have it.
std::vector<PolicyChange> Compare(const PolicyLayers& from, const PolicyLayers& to);

}  // namespace nightjar::policy
