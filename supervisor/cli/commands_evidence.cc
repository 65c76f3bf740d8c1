#include <fcntl.h>

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "ipc/core/fd.h"
#include "supervisor/cli/commands.h"
#include "supervisor/cli/export_chrome.h"
#include "supervisor/cli/export_otlp.h"
#include "supervisor/cli/render_incident.h"
#include "supervisor/cli/render_lists.h"
#include "supervisor/cli/render_trace.h"
#include "supervisor/cli/short_id.h"

namespace nightjar::cli {
namespace {

// "?a=1&b=2" of what is not empty.
class Query {
 public:
  Query& With(std::string_view name, std::string_view value) {
    if (value.empty()) return *this;
    text_ += text_.empty() ? "?" : "&";
    text_ += std::string(name) + "=" + EncodePart(value);
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string CountOf(const CommandLine& line) {
  return line.count ? std::to_string(*line.count) : "";
}

std::string TracesPath(const CommandLine& line) {
  return "/canvases/" + EncodePart(line.canvas) + "/traces";
}

// The longest list there is, to find a cut id in.
std::string Longest() {
  return Query().With("n", std::to_string(bounds::kListRows)).text();
}

Detail DetailOf(const CommandLine& line) {
  return line.full ? Detail::kFull : Detail::kShort;
}

// Turns the command's id into a whole one with the ids of `list`, which is asked only for a cut
// one.
template <typename List, typename Rows>
ExitCode Complete(Session& session, const std::string& target, Rows rows, std::string* id) {
  *id = session.line().id;
  if (IsWholeId(*id)) return kOk;
  List list;
  if (ExitCode code = session.Ask({.target = target}, &list); code != kOk) return code;
  std::vector<std::string> ids;
  for (const auto& row : (list.*rows)()) ids.push_back(row.run_id());
  auto found = FindId(*id, ids);
  if (!found) return session.Complain(kNo, found.error().ToString());
  *id = *found;
  return kOk;
}

Result<std::string> InFormat(const proto::TraceDocument& document, const CommandLine& line,
                             const Paint& paint) {
  switch (line.format) {
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
  proto::TraceList list;
  if (ExitCode code = session.Ask({.target = TracesPath(line) + query.text()}, &list); code != kOk)
    return code;
  if (!session.PrintedJson()) session.out() << RenderTraces(list, session.paint());
  return kOk;
}

ExitCode ShowTrace(Session& session) {
  const CommandLine& line = session.line();
  std::string id;
  const google::protobuf::RepeatedPtrField<proto::TraceRow>& (proto::TraceList::*rows)() const =
      &proto::TraceList::traces;
  ExitCode code = Complete<proto::TraceList>(session, TracesPath(line) + Longest(), rows, &id);
  if (code != kOk) return code;
  if (!line.object.empty()) return WriteObject(session, TracesPath(line) + "/" + EncodePart(id));
  proto::TraceDocument document;
  code = session.Ask(
      {.target = TracesPath(line) + "/" + EncodePart(id), .waiting_for = "reading the trace"},
      &document);
  if (code != kOk) return code;
  if (session.PrintedJson()) return kOk;
  auto text = InFormat(document, line, session.paint());
  if (!text) return session.Complain(kNo, text.error().ToString());
  session.out() << *text;
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
  const google::protobuf::RepeatedPtrField<proto::IncidentRow>& (proto::IncidentList::*rows)()
      const = &proto::IncidentList::incidents;
  ExitCode code = Complete<proto::IncidentList>(session, "/incidents" + Longest(), rows, &id);
  if (code != kOk) return code;
  proto::Incident incident;
  if (code = session.Ask({.target = "/incidents/" + EncodePart(id)}, &incident); code != kOk)
    return code;
  if (!session.PrintedJson())
    session.out() << RenderIncident(incident, DetailOf(session.line()), session.terminal().glyphs,
                                    session.paint());
  return kOk;
}

ExitCode VerifyIncidents(Session& session) {
  proto::ChainAnswer chain;
  do {
    Query query;
    if (chain.link() > 0)
      query.With("after", std::to_string(chain.link())).With("hash", chain.hash());
    query.With("head", session.line().head);
    uint64_t before = chain.link();
    chain.Clear();
    ExitCode code = session.Ask({.target = "/incidents/verify" + query.text(),
                                 .waiting_for = "walking along the chain of incidents"},
                                &chain);
    if (code != kOk) return code;
    if (chain.broken().empty() && !chain.whole() && chain.link() <= before)
      return session.Complain(kNo, "the supervisor's walk along the chain does not go on");
  } while (chain.broken().empty() && !chain.whole());
  if (!session.PrintedJson()) session.out() << RenderChain(chain, session.paint());
  return chain.broken().empty() ? kOk : kNo;
}

}  // namespace nightjar::cli
