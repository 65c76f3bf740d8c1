// Whether a rule would hit any canvas that is used at all: it is held against a window in which
// nothing happened and against that of a modest good neighbour. Pure.
#pragma once

#include "rules/rule.h"

namespace nightjar::rules {

// One small run a minute that ends well and does nothing unusual.
Counts GoodNeighbour(Seconds window);

bool HitsEverything(const Rule& rule);

}  // namespace nightjar::rules
