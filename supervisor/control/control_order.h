// What an order to hold a canvas back must be like. Pure.
#pragma once

#include <string>

#include "ipc/proto/control.pb.h"
#include "policies/limits.h"
#include "supervisor/canvas/canvas_book.h"

namespace nightjar {

// What is wrong with an order, given what the canvas is and which limits it has; empty: nothing.
std::string WrongOrder(const proto::ControlOrder& order, const Revision& revision,
                       const policy::Limits& in_force);

// "suspend"; "control" of what is none.
const char* ControlAction(proto::ControlKind kind);

}  // namespace nightjar
