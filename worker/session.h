// A sealed worker's conversation with the supervisor, from "sealed" to its end.
//
// Compile once, or arm once and then run; every message that is out of order ends the worker, and
// so does the end of the socket. What the engine returns is put on the wire here and nowhere else.
// Single thread, blocking.
#pragma once

#include "worker/engine.h"
#include "worker/sandbox/enter.h"

namespace nightjar {

// `sealing` and `listener`: how Enter() ended. A failure is reported, and is the end; the listener
// goes to the supervisor and is closed here. Returns the exit code of the process.
int RunSession(const SealFailure& sealing, DenialListener listener, Engine& engine);

}  // namespace nightjar
