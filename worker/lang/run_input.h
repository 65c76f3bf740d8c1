// What a run begins with: its input and its route's variables, of a request, an event, or an
// earlier run that is done again; and the beginning of its trace, which shows what it may of them.
//
// Single thread.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "worker/engine.h"
#include "worker/lang/code.h"
#include "worker/lang/replay.h"

namespace nightjar::lang {

struct RunInput {
  std::vector<Dval> values;      // as Evaluator::Run() takes them
  std::optional<Replay> replay;  // what answers impure calls; without one they are made
};

// Set: there is nothing to run, the trace has its end, and this is the answer. `body` as of
// Engine::Run().
std::optional<RunOutcome> BeginRun(Arena& arena, const HandlerCode& handler, const proto::Run& run,
                                   std::string_view body, Recorder& recorder, RunInput* input);

}  // namespace nightjar::lang
