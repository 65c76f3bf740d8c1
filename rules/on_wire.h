// Rules and what they find, as messages. Pure.
#pragma once

#include "ipc/proto/control.pb.h"
#include "rules/hit_finder.h"

namespace nightjar::rules {

// All that a rule says of itself; what it hit is whose matter that is.
proto::RuleRow RowOf(const Rule& rule);

// What a change that begins a hit, or goes on with it, says of the hit.
void PutFound(const Change& change, proto::RuleHit* hit);

}  // namespace nightjar::rules
