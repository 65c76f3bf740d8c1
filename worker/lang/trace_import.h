// Makes the events of a run out of what classic Dark stored of one (stored_trace.h): its input, and
// what functions returned, in the order in which Dark stored it, each under the handler itself, as
// Dark did not say who called whom. There is no end of the run and there are no times, for the same
// reason.
//
// The input is redacted as that of a request that comes in, arguments by the names of parameters,
// and every text is searched for what was left out and for the secrets of the loaded canvas. Single
// thread.
#pragma once

#include "worker/engine.h"
#include "worker/lang/code.h"
#include "worker/lang/stored_trace.h"

namespace nightjar::lang {

// What a look tells of it.
proto::Imported LookAt(const StoredTrace& trace);

// `code` is the canvas's, and tells functions by their parameters.
ImportOutcome ImportTrace(Arena& arena, const StoredTrace& trace, const proto::Import& order,
                          const Code& code, const Library& library);

}  // namespace nightjar::lang
