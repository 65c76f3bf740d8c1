#include <google/protobuf/util/json_util.h>
#include "ipc/core/time_span.h"
#include "supervisor/cli/commands.h"
#include "supervisor/cli/printable.h"
#include "supervisor/cli/quantity.h"
#include "supervisor/cli/query.h"
#include "supervisor/cli/render_controls.h"
#include "supervisor/cli/render_lists.h"

namespace nightjar::cli {
namespace {

ExitCode Make(Session& session, proto::ControlKind kind) {
  const CommandLine& line = session.line();
  proto::ControlOrder order;
  order.set_kind(kind);
  order.set_canvas(line.canvas);
  order.set_handler(line.handler);
  order.set_handler_kind(line.kinds);
  order.set_limit(line.limit);
  order.set_value(line.value);
  order.set_urgent(line.urgent);
  order.set_kill(line.kill);
  order.set_reason(line.reason);
  if (!line.lasts.empty()) {
    auto lasts = ReadTimeSpan(line.lasts);
    if (!lasts || lasts->count() == 0)
      return session.Complain(kUsage, "--for is how long, like 90s, 15m, 2h or 3d");
    order.set_for_s(static_cast<uint64_t>(lasts->count()));
  }
  std::string json;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  (void)google::protobuf::util::MessageToJsonString(order, &json, options);
  proto::ControlAnswer answer;
  ExitCode code =
      session.Ask({"POST", "/controls", json, "waiting for it to be in force"}, &answer);
  if (code != kOk || session.PrintedJson()) return code;
  session.out() << RenderControlMade(answer);
  return kOk;
}

}  // namespace

ExitCode Suspend(Session& session) {
  return Make(session, proto::CONTROL_SUSPEND);
}
ExitCode Pause(Session& session) {
  return Make(session, proto::CONTROL_PAUSE);
}
ExitCode Block(Session& session) {
  return Make(session, proto::CONTROL_BLOCK);
}
ExitCode TightenLimit(Session& session) {
  return Make(session, proto::CONTROL_TIGHTEN);
}

ExitCode ShowControls(Session& session) {
  proto::ControlList list;
  const std::string query = Query().With("canvas", session.line().canvas).text();
  if (ExitCode code = session.Ask({.target = "/controls" + query}, &list); code != kOk) return code;
  if (!session.PrintedJson()) session.out() << RenderControls(list, session.paint());
  return kOk;
}

ExitCode LiftControl(Session& session) {
  const CommandLine& line = session.line();
  proto::ControlAnswer answer;
  ExitCode code = session.Ask(
      {"DELETE", "/controls/" + EncodePart(line.id), line.reason, "waiting for it to be lifted"},
      &answer);
  if (code != kOk || session.PrintedJson()) return code;
  session.out() << "control " << answer.control().id() << " of "
                << Printable(answer.control().canvas()) << " is lifted\n"
                << (answer.stored() ? ""
                                    : "It could not be forgotten on the disk yet: a restart "
                                      "now would bring it back.\n");
  return kOk;
}

ExitCode KillAll(Session& session) {
  const CommandLine& line = session.line();
  Query query;
  query.With("canvas", line.canvas).With("handler", line.handler).With("caller", line.caller);
  query.With("code_hash", line.code_hash).With("dry_run", line.dry_run ? "1" : "");
  proto::KillAllAnswer answer;
  ExitCode code =
      session.Ask({"DELETE", "/runs" + query.text(), line.reason, "killing what matches"}, &answer);
  if (code != kOk || session.PrintedJson()) return code;
  if (answer.dry_run()) {
    proto::RunList list;
    *list.mutable_runs() = answer.runs();
    session.out() << RenderRuns(list, session.paint());
  }
  session.out() << CountText(static_cast<uint64_t>(answer.runs_size()), "run", "runs")
                << (answer.dry_run() ? " would be killed\n"
                                     : " killed in " + TimeText(answer.took_us()) + "\n");
  return kOk;
}

ExitCode ShowAudit(Session& session) {
  const CommandLine& line = session.line();
  Query query;
  query.With("n", line.count ? std::to_string(*line.count) : "").With("since", line.since);
  query.With("actor", line.actor).With("action", line.action).With("canvas", line.canvas);
  proto::AuditList list;
  if (ExitCode code = session.Ask({.target = "/audit" + query.text()}, &list); code != kOk)
    return code;
  if (!session.PrintedJson()) session.out() << RenderAudit(list, session.paint());
  return kOk;
}

}  // namespace nightjar::cli
