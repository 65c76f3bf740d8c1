// What the settings of a policy say of each other: bounds of a run above those of its canvas,
// limits that can never be reached. Pure.
//
// Each is told once, at the setting of the layer that brings it about.
#pragma once

#include <cstdint>
#include <vector>

#include "policies/policy_layers.h"

namespace nightjar::policy {

// What cannot be meant goes into `errors`, what is only useless into `layers->warnings`.
void FindContradictions(PolicyLayers* layers, std::vector<PolicyError>* errors);

struct Machine {
  uint64_t memory_bytes = 0;  // 0: not known
  uint64_t processors = 0;
  uint64_t pids = 0;
};
// Settings of more than there is. Wrong on this machine, and may be right on the next.
std::vector<PolicyError> BeyondMachine(const PolicyLayers& layers, const Machine& machine);

}  // namespace nightjar::policy
