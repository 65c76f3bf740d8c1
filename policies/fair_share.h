// Who gets the next place when the machine is full and several canvases wait for one. Pure.
//
// Places are shared by weight (limit `canvas_cpu_weight`): who has least for its weight is next.
// Over time everybody who waits has at least its share, rounded down, and nobody waits for ever.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nightjar::policy {

struct Claim {
  uint64_t weight = 1;  // at least 1
  uint64_t held = 0;    // places that it has
};

// The index of the one that is next; of several alike the first. `claims` is not empty.
size_t NextInTurn(std::span<const Claim> claims);
// Of those that have places to give, the one that has most for its weight.
size_t FirstToGive(std::span<const Claim> claims);

}  // namespace nightjar::policy
