// A trace as a person reads it: what came in, the tree of calls with values and times, what is
// missing, what came out; and its patches behind it, oldest first. Pure.
#pragma once

#include <string>

#include "ipc/proto/control.pb.h"
#include "supervisor/cli/paint.h"
#include "supervisor/cli/render_value.h"

namespace nightjar::cli {

// kShort: at most some 400 lines, long loops cut in their middle; what is left out is counted.
// kFull: everything.
std::string RenderTrace(const proto::TraceDocument& document, Detail detail, const Paint& paint);

// "List::map_v0([1, 2, 3], <fn lambda>)", as traces and incidents call a call.
std::string RenderCall(const proto::Call& call, Detail detail, const Paint& paint);
// One event on a line of its own, with its time, for the last moments of a killed run.
std::string RenderEvent(const proto::TraceEvent& event, const Paint& paint);
// The calls that were open, outermost first, indented by nesting; `calls_open` counts those that
// the list leaves out.
std::string RenderOpenCalls(const google::protobuf::RepeatedPtrField<proto::OpenCall>& calls,
                            uint64_t calls_open, Detail detail, const Paint& paint);

}  // namespace nightjar::cli
