// Which limits of a new policy hold for runs that began under an older one. Pure.
//
// A run keeps the limits that it began with. Where the new policy names a limit in `urgent`, and
// its value is tighter, that one value is taken over.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policies/limits.h"

namespace nightjar::policy {

// What may stand in `urgent`: what a run that is under way can still be held to. The rest is
// counted by its worker, or decides only about what comes later.
std::span<const std::string_view> UrgentNames();

// Takes over what is urgent in `now` and tighter; returns the names of it. `running->policy` then
// names both policies: "3f2a9c01b7de+77ab01c2d3e4".
std::vector<std::string> Tighten(Limits* running, const Limits& now);

}  // namespace nightjar::policy
