#include "worker/sandbox/profile_shelf.h"

#include <algorithm>

#include "ipc/core/bounds.h"

namespace nightjar {

Result<const Profile*> ProfileShelf::Without(std::vector<std::string> calls) {
  std::sort(calls.begin(), calls.end());
  if (auto at = compiled_.find(calls); at != compiled_.end()) return &at->second;
  SeccompRules left;
  for (const SeccompRule& rule : rules_)
    if (!std::binary_search(calls.begin(), calls.end(), rule.call)) left.push_back(rule);
  NJ_ASSIGN(Profile profile, CompileProfile(left, on_denial_));
  // Policies change rarely: what is not wanted any more goes with the rest, at the bound.
  if (compiled_.size() >= bounds::kProfilesTaken) compiled_.clear();
  return &compiled_.insert_or_assign(std::move(calls), std::move(profile)).first->second;
}

}  // namespace nightjar
