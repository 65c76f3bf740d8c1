// How a limit came about: what every layer says of it, in the order in which they win. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "policies/policy_layers.h"

namespace nightjar::policy {

// Of one limit, the built-in value first; the last one holds.
using LimitSaid = std::vector<LimitText>;

// Of every limit, in the order of the table. `handler` may be empty, as in Policy::For().
std::vector<LimitSaid> Explain(const PolicyLayers& layers, std::string_view canvas,
                               std::string_view handler);

}  // namespace nightjar::policy
