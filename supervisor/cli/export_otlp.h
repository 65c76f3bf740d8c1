// A trace in OTLP/JSON, the OpenTelemetry protocol's JSON encoding: what collectors and tracing
// backends take at /v1/traces, or read from a file with one such object a line. Pure.
//
// The run is the root span, each call a span below it; branches, gaps, output and last moments are
// span events. Ids come from the run's id and the call's, so that the same trace is always the
// same spans.
#pragma once

#include <string>

#include "ipc/core/result.h"
#include "ipc/proto/control.pb.h"
#include "supervisor/cli/render_value.h"

namespace nightjar::cli {

// One line. kShort: values cut as on a terminal. kInvalid: the trace names no run.
Result<std::string> ExportOtlp(const proto::TraceDocument& document, Detail detail);

}  // namespace nightjar::cli
