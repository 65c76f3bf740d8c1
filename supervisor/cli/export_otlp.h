// A trace in OTLP/JSON, the OpenTelemetry protocol's JSON encoding: what collectors and tracing
// backends take at /v1/traces, or read from a file with one such object a line. Pure.
//
// The run is the root span, each call a span below it; branches, gaps, output and last moments are
// span events. Ids come from the run's id and the call's, so that the same trace is always the
// same spans. A patch is a run of its own behind its base, with a trace id of its own, and its root
// span is linked to the base's span of the call that it is of; with other arguments, or where that
// call is missing, to the base's root.
#pragma once

#include <string>

#include "ipc/core/result.h"
#include "ipc/proto/control.pb.h"
#include "supervisor/cli/render_value.h"

namespace nightjar::cli {

// One line. kShort: values cut as on a terminal. kInvalid: the trace, or a patch of it, names no
// run.
Result<std::string> ExportOtlp(const proto::TraceDocument& document, Detail detail);

}  // namespace nightjar::cli
