#include <optional>

#include "ipc/core/bounds.h"
#include "ipc/core/ids.h"
#include "supervisor/cli/commands.h"
#include "supervisor/cli/complete_id.h"
#include "supervisor/cli/input_file.h"
#include "supervisor/cli/printable.h"
#include "supervisor/cli/quantity.h"

namespace nightjar::cli {
namespace {

// The id of Dark's trace in a path that ends as Dark's own names did: "CANVAS-ID/TLID/TRACE-ID/0".
std::string DarkTraceIn(const std::string& file) {
  constexpr std::string_view kLayer = "/0";
  if (!file.ends_with(kLayer)) return "";
  std::string_view path = std::string_view(file).substr(0, file.size() - kLayer.size());
  auto id = RunId::Parse(path.substr(path.rfind('/') + 1));
  return id ? id->ToString() : "";
}

ExitCode ImportOne(Session& session, const std::string& file) {
  const CommandLine& line = session.line();
  auto object = ReadInput(session, file, bounds::kImportBytes);
  if (!object) return kUsage;
  std::string target = TracesPath(line.canvas) + "?handler=" + EncodePart(line.handler) +
                       "&dark_trace=" + EncodePart(DarkTraceIn(file)) +
                       "&file=" + EncodePart(ShownName(file));
  proto::ImportAnswer answer;
  ExitCode code = session.Ask({"POST", target, *object, "importing " + file}, &answer);
  if (code != kOk || session.PrintedJson()) return code;
  session.out() << Printable(ShownName(file)) << ": " << Printable(answer.run_id()) << ", a run of "
                << Printable(answer.handler()) << " with "
                << CountText(answer.events(), "event", "events");
  if (answer.imported_received_unix_us() != 0)
    session.out() << ", of " << ClockText(answer.imported_received_unix_us());
  session.out() << "\n";
  if (answer.events_dropped() > 0)
    session.out() << "  " << CountText(answer.events_dropped(), "more event is", "more events are")
                  << " not in it: the trace was full\n";
  return kOk;
}

}  // namespace

// One that cannot be imported does not keep the others out.
ExitCode ImportTraces(Session& session) {
  ExitCode worst = kOk;
  for (const std::string& file : session.line().files) {
    ExitCode code = ImportOne(session, file);
    if (code == kUnreachable) return code;
    if (worst == kOk) worst = code;
  }
  return worst;
}

}  // namespace nightjar::cli
