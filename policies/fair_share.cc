#include "policies/fair_share.h"

#include "ipc/core/check.h"

namespace nightjar::policy {
namespace {

// Whether `a` places for `weight_a` are fewer than `b` for `weight_b`. Exact: both are small.
bool Fewer(uint64_t a, uint64_t weight_a, uint64_t b, uint64_t weight_b) {
  return a * weight_b < b * weight_a;
}

}  // namespace

size_t NextInTurn(std::span<const Claim> claims) {
  CHECK(!claims.empty());
  size_t next = 0;
  for (size_t i = 1; i < claims.size(); ++i)
    if (Fewer(claims[i].held + 1, claims[i].weight, claims[next].held + 1, claims[next].weight))
      next = i;
  return next;
}

size_t FirstToGive(std::span<const Claim> claims) {
  CHECK(!claims.empty());
  size_t first = 0;
  for (size_t i = 1; i < claims.size(); ++i)
    if (Fewer(claims[first].held, claims[first].weight, claims[i].held, claims[i].weight))
      first = i;
  return first;
}

}  // namespace nightjar::policy
