// A sealed worker's conversation with the supervisor, from "sealed" to its end.
//
// Compile once, or arm once and then run; every message that is out of order ends the worker, and
// so does the end of the socket. What the engine returns is put on the wire here and nowhere else.
// Single thread, blocking.
#pragma once

#include "worker/engine.h"
#include "worker/sandbox/enter.h"

namespace nightjar {

// `sealing`: how Enter() ended; a failure is reported, and is the end. Returns the exit code of the
// process.
int RunSession(const SealFailure& sealing, Engine& engine);

}  // namespace nightjar
