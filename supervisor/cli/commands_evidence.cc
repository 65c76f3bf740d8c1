#include <fcntl.h>

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "ipc/core/fd.h"
#include "supervisor/cli/commands.h"
#include "supervisor/cli/complete_id.h"
#include "supervisor/cli/export_chrome.h"
#include "supervisor/cli/export_otlp.h"
#include "supervisor/cli/open_with.h"
#include "supervisor/cli/printable.h"
#include "supervisor/cli/query.h"
#include "supervisor/cli/render_incident.h"
#include "supervisor/cli/render_lists.h"
#include "supervisor/cli/render_trace.h"
#include "supervisor/cli/render_usage.h"

namespace nightjar::cli {
namespace {

std::string CountOf(const CommandLine& line) {
  return line.count ? std::to_string(*line.count) : "";
}

std::string HoldsPath(const CommandLine& line) {
  return "/canvases/" + EncodePart(line.canvas) + "/holds/";
}

Detail DetailOf(const CommandLine& line) {
  return line.full ? Detail::kFull : Detail::kShort;
}

// Another program is shown no tree.
TraceFormat FormatOf(const CommandLine& line) {
  bool tree = line.format == TraceFormat::kTree;
  return tree && !line.open_with.empty() ? TraceFormat::kChrome : line.format;
}

Result<std::string> InFormat(const proto::TraceDocument& document, const CommandLine& line,
                             const Paint& paint) {
  switch (FormatOf(line)) {
    case TraceFormat::kTree:
      return RenderTrace(document, DetailOf(line), paint);
    case TraceFormat::kOtlp:
      return ExportOtlp(document, DetailOf(line));
    case TraceFormat::kChrome:
      return ExportChrome(document, DetailOf(line));
  }
  CHECK(!"every format is printed");
  return "";
}

// Readable by this user alone: it is a tenant's.
ExitCode WriteObject(Session& session, const std::string& target) {
  ExitCode code = session.Fetch(target, "application/vnd.nightjar.trace");
  if (code != kOk) return code;
  if (session.line().object == "-") {
    session.out() << session.last_body();
    return kOk;
  }
  Fd file(open(session.line().object.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  Status written = file.valid() ? WriteAll(file, session.last_body(), "writing the trace")
                                : Status(FailErrno(session.line().object));
  return written ? kOk : session.Complain(kNo, written.error().ToString());
}

}  // namespace

ExitCode ShowTraces(Session& session) {
  const CommandLine& line = session.line();
  Query query;
  query.With("n", CountOf(line)).With("verdict", line.verdict).With("handler", line.handler);
  query.With("function", line.function).With("caller", line.caller).With("since", line.since);
  query.With("until", line.until).With("field", line.field).With("revision", line.revision);
  query.With("all_machines", line.all_machines ? "1" : "");
  proto::TraceList list;
  if (ExitCode code = session.Ask({.target = TracesPath(line.canvas) + query.text()}, &list);
      code != kOk)
    return code;
  if (!session.PrintedJson()) session.out() << RenderTraces(list, session.paint());
  return kOk;
}

ExitCode ShowTrace(Session& session) {
  const CommandLine& line = session.line();
  std::string id;
  ExitCode code = CompleteTrace(session, &id);
  if (code != kOk) return code;
  if (!line.object.empty()) return WriteObject(session, TracePath(line.canvas, id));
  proto::TraceDocument document;
  code = session.Ask({.target = TracePath(line.canvas, id), .waiting_for = "reading the trace"},
                     &document);
  if (code != kOk) return code;
  if (session.PrintedJson()) return kOk;
  auto text = InFormat(document, line, session.paint());
  if (!text) return session.Complain(kNo, text.error().ToString());
  if (!line.open_with.empty()) {
    Status shown = OpenWith(line.open_with, "trace-" + id + ".json", *text);
    return shown ? kOk : session.Complain(kNo, shown.error().ToString());
  }
  session.out() << *text;
  return kOk;
}

ExitCode HoldTrace(Session& session) {
  const CommandLine& line = session.line();
  std::string id;
  if (ExitCode code = CompleteTrace(session, &id); code != kOk) return code;
  proto::Hold hold;
  ExitCode code = session.Ask({.method = "PUT",
                               .target = HoldsPath(line) + EncodePart(id),
                               .body = line.reason,
                               .waiting_for = "keeping the trace"},
                              &hold);
  if (code != kOk) return code;
  if (!session.PrintedJson())
    session.out() << Printable(hold.run_id()) << " is held until it is released\n";
  return kOk;
}

ExitCode ReleaseTrace(Session& session) {
  const CommandLine& line = session.line();
  std::string id;
  if (ExitCode code = CompleteHold(session, &id); code != kOk) return code;
  proto::Hold hold;
  ExitCode code = session.Ask({.method = "DELETE",
                               .target = HoldsPath(line) + EncodePart(id),
                               .body = line.reason,
                               .waiting_for = "releasing the trace"},
                              &hold);
  if (code != kOk) return code;
  if (!session.PrintedJson())
    session.out() << Printable(hold.run_id()) << " is released: it goes when its time is over\n";
  return kOk;
}

ExitCode ShowHolds(Session& session) {
  Query query;
  query.With("canvas", session.line().canvas);
  proto::HoldList list;
  if (ExitCode code = session.Ask({.target = "/holds" + query.text()}, &list); code != kOk)
    return code;
  if (!session.PrintedJson()) session.out() << RenderHolds(list, session.paint());
  return kOk;
}

ExitCode ShowMissed(Session& session) {
  const CommandLine& line = session.line();
  Query query;
  query.With("n", CountOf(line));
  proto::MissedList list;
  const std::string path = "/canvases/" + EncodePart(line.canvas) + "/404s";
  if (ExitCode code = session.Ask({.target = path + query.text()}, &list); code != kOk) return code;
  if (!session.PrintedJson()) session.out() << RenderMissed(list, session.paint());
  return kOk;
}

ExitCode ShowUsage(Session& session) {
  const CommandLine& line = session.line();
  std::string by = line.by;
  if (by.empty()) by = line.canvas.empty() ? "canvas" : "hour";
  Query query;
  query.With("canvas", line.canvas).With("since", line.since).With("until", line.until);
  query.With("by", by);
  proto::UsageList list;
  if (ExitCode code = session.Ask({.target = "/usage" + query.text()}, &list); code != kOk)
    return code;
  if (!session.PrintedJson()) session.out() << RenderUsage(list, session.paint());
  return kOk;
}

ExitCode ShowIncidents(Session& session) {
  const CommandLine& line = session.line();
  Query query;
  query.With("canvas", line.canvas).With("n", CountOf(line));
  proto::IncidentList list;
  if (ExitCode code = session.Ask({.target = "/incidents" + query.text()}, &list); code != kOk)
    return code;
  if (!session.PrintedJson()) session.out() << RenderIncidents(list, session.paint());
  return kOk;
}

ExitCode ShowIncident(Session& session) {
  std::string id;
  ExitCode code = CompleteIncident(session, &id);
  if (code != kOk) return code;
  proto::Incident incident;
  if (code = session.Ask({.target = "/incidents/" + EncodePart(id)}, &incident); code != kOk)
    return code;
  if (!session.PrintedJson())
    session.out() << RenderIncident(incident, DetailOf(session.line()), session.terminal().glyphs,
                                    session.paint());
  return kOk;
}

namespace {

ExitCode VerifyChain(Session& session, const std::string& target, const ChainWords& words) {
  proto::ChainAnswer chain;
  do {
    Query query;
    if (chain.link() > 0)
      query.With("after", std::to_string(chain.link())).With("hash", chain.hash());
    query.With("head", session.line().head);
    uint64_t before = chain.link();
    chain.Clear();
    ExitCode code = session.Ask(
        {.target = target + query.text(), .waiting_for = "walking along the chain"}, &chain);
    if (code != kOk) return code;
    if (chain.broken().empty() && !chain.whole() && chain.link() <= before)
      return session.Complain(kNo, "the supervisor's walk along the chain does not go on");
  } while (chain.broken().empty() && !chain.whole());
  if (!session.PrintedJson()) session.out() << RenderChain(chain, session.paint(), words);
  return chain.broken().empty() ? kOk : kNo;
}

}  // namespace

ExitCode VerifyIncidents(Session& session) {
  return VerifyChain(session, "/incidents/verify", {"incident", "incidents"});
}

ExitCode VerifyAudit(Session& session) {
  return VerifyChain(session, "/audit/verify", {"entry", "entries"});
}

}  // namespace nightjar::cli
