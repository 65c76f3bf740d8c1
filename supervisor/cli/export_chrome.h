// A trace as Chrome's trace events in JSON, which Perfetto (ui.perfetto.dev) and chrome://tracing
// open as a timeline. Pure.
//
// The canvas is the process, the handler its thread, the run and each call a complete event;
// branches, gaps, output and last moments are instants. Times are microseconds since the request
// was received: a Unix time would leave a double no room for nanoseconds. Each patch is a process
// of its own behind its base's, named for what it is, with times since it was asked for itself.
#pragma once

#include <string>

#include "ipc/proto/control.pb.h"
#include "supervisor/cli/render_value.h"

namespace nightjar::cli {

// An event a line. kShort: values cut as on a terminal. Events of one thread must nest; a call that
// does not, where events are missing, is shown on a thread of its own.
std::string ExportChrome(const proto::TraceDocument& document, Detail detail);

}  // namespace nightjar::cli
