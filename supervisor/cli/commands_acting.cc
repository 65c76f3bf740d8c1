#include <filesystem>

#include "ipc/core/bounds.h"
#include "supervisor/cli/commands.h"
#include "supervisor/cli/complete_id.h"
#include "supervisor/cli/input_file.h"
#include "supervisor/cli/printable.h"
#include "supervisor/cli/quantity.h"
#include "supervisor/cli/render_deploy.h"
#include "supervisor/cli/short_id.h"
#include "supervisor/cli/upload.h"

namespace nightjar::cli {
namespace {

std::string CanvasPath(const std::string& canvas) {
  return "/canvases/" + EncodePart(canvas);
}

ExitCode EndOf(const proto::RunAnswer& answer) {
  return answer.verdict() == proto::VERDICT_FINISHED ? kOk : kNo;
}

// What became of its impure calls.
std::string CallsText(const proto::RunAnswer& answer) {
  std::string text;
  if (answer.calls_answered() > 0)
    text +=
        "; its trace answered " + CountText(answer.calls_answered(), "impure call", "impure calls");
  if (answer.calls_live() > 0)
    text += "; it does not know " + CountText(answer.calls_live(), "impure call, which was made",
                                              "impure calls, which were made");
  return text;
}

ExitCode PrintAnswer(Session& session, const proto::RunAnswer& answer) {
  // A file gets the bytes of the answer, a terminal only what cannot harm it.
  bool person = session.terminal().out_is_terminal;
  session.out() << (person ? PrintableText(answer.body()) : answer.body());
  if (person && !answer.body().empty() && answer.body().back() != '\n') session.out() << "\n";
  session.out() << std::flush;
  session.err() << VerdictText(answer.verdict()) << " " << answer.status() << " in "
                << TimeText(answer.usage().wall_us()) << " (cpu "
                << TimeText(answer.usage().cpu_us()) << "), run " << Printable(answer.run_id())
                << "\n";
  if (!answer.detail().empty()) session.err() << Printable(answer.detail()) << "\n";
  return EndOf(answer);
}

}  // namespace

ExitCode Deploy(Session& session) {
  const CommandLine& line = session.line();
  auto source = ReadInput(session, line.file, bounds::kSourceBytes);
  if (!source) return kUsage;
  std::string target = CanvasPath(line.canvas) + "?file=";
  if (!line.files.empty()) {
    source = UploadText(session, *source, line.files);
    if (!source) return kUsage;
    target = CanvasPath(line.canvas) + "?upload=1&file=";
  }
  std::string shown = ShownName(line.file);
  std::string name = std::filesystem::path(line.file).filename().string();
  Question question{"PUT", target + EncodePart(name), *source,
                    "compiling and deploying " + line.canvas};
  proto::DeployAnswer answer;
  proto::ControlError refusal;
  ExitCode code = session.Ask(question, &answer, &refusal);
  if (code != kOk) {
    if (line.json || refusal.diagnostics().empty()) return code;
    size_t errors = PrintDiagnostics(session, refusal.diagnostics(), shown);
    return session.Complain(kNo, CountText(errors, "error", "errors") + " in " + shown +
                                     "; what was deployed before keeps serving");
  }
  if (!session.PrintedJson()) session.out() << RenderDeploy(answer, shown, session.paint());
  return kOk;
}

ExitCode RunHandler(Session& session) {
  const CommandLine& line = session.line();
  std::string input;
  if (!line.file.empty()) {
    auto read = ReadInput(session, line.file, bounds::kHttpBodyBytes);
    if (!read) return kUsage;
    input = std::move(*read);
  }
  Question question{"POST", CanvasPath(line.canvas) + "/run/" + EncodePart(line.handler), input,
                    "running " + line.handler};
  proto::RunAnswer answer;
  ExitCode code = session.Ask(question, &answer);
  if (code != kOk) return code;
  if (session.PrintedJson()) return EndOf(answer);
  return PrintAnswer(session, answer);
}

ExitCode Rerun(Session& session) {
  const CommandLine& line = session.line();
  std::string id;
  if (ExitCode code = CompleteTrace(session, &id); code != kOk) return code;
  std::string target = TracePath(line.canvas, id) + "/rerun?revision=" + line.revision +
                       (line.live ? "&live=1" : "");
  proto::RunAnswer answer;
  ExitCode code = session.Ask({"POST", target, {}, "running it again"}, &answer);
  if (code != kOk) return code;
  if (session.PrintedJson()) return EndOf(answer);
  code = PrintAnswer(session, answer);
  session.err() << "This does " << Printable(answer.rerun_of()) << " again on revision "
                << answer.revision() << CallsText(answer) << "\n";
  return code;
}

ExitCode RunFunction(Session& session) {
  const CommandLine& line = session.line();
  std::string id;
  if (ExitCode code = CompleteTrace(session, &id); code != kOk) return code;
  std::string target = TracePath(line.canvas, id) + "/functions/" + EncodePart(line.function) +
                       "?call=" + line.call + "&revision=" + line.revision +
                       (line.live ? "&live=1" : "");
  proto::RunAnswer answer;
  Question question{"POST", target, line.arguments, "running " + line.function};
  ExitCode code = session.Ask(question, &answer);
  if (code != kOk) return code;
  if (session.PrintedJson()) return EndOf(answer);
  code = PrintAnswer(session, answer);
  const proto::PatchOf& patch = answer.patch();
  session.err() << "This is "
                << (patch.call() > 0 ? "call " + std::to_string(patch.call()) + " of " : "")
                << Printable(patch.function()) << (patch.call() > 0 ? "" : " with other arguments")
                << " on revision " << answer.revision() << CallsText(answer)
                << "; it is shown with trace " << Printable(patch.run_id()) << "\n";
  return code;
}

ExitCode DeleteTrace(Session& session) {
  const CommandLine& line = session.line();
  std::string id;
  if (ExitCode code = CompleteTrace(session, &id); code != kOk) return code;
  proto::TraceDeleted deleted;
  ExitCode code = session.Ask({.method = "DELETE",
                               .target = TracePath(line.canvas, id),
                               .body = line.reason,
                               .waiting_for = "deleting the trace"},
                              &deleted);
  if (code != kOk || session.PrintedJson()) return code;
  session.out() << Printable(deleted.run_id()) << " is deleted\n";
  if (!deleted.not_yet().empty())
    session.out() << "Something of it is still in the store, and is erased as soon as that can be: "
                  << Printable(deleted.not_yet()) << "\n";
  return kOk;
}

ExitCode HandlerFromMissed(Session& session) {
  const CommandLine& line = session.line();
  size_t space = line.route.find(' ');
  if (space == std::string::npos)
    return session.Complain(kUsage, "ROUTE is a method and a path: \"GET /users/7\"");
  std::string target = CanvasPath(line.canvas) +
                       "/404s/handler?method=" + EncodePart(line.route.substr(0, space)) +
                       "&path=" + EncodePart(line.route.substr(space + 1)) +
                       (line.as.empty() ? "" : "&route=" + EncodePart(line.as));
  proto::MissedHandled handled;
  ExitCode code =
      session.Ask({"POST", target, {}, "deploying a handler on " + line.canvas}, &handled);
  if (code != kOk || session.PrintedJson()) return code;
  session.out() << RenderMissedHandled(handled, session.paint());
  return kOk;
}

ExitCode KillRun(Session& session) {
  std::string id = session.line().id;
  if (!IsWholeId(id)) {
    proto::RunList list;
    if (ExitCode code = session.Ask({.target = "/runs"}, &list); code != kOk) return code;
    std::vector<std::string> ids;
    for (const proto::RunRow& row : list.runs()) ids.push_back(row.run_id());
    auto found = FindId(id, ids);
    if (!found) return session.Complain(kNo, found.error().ToString());
    id = *found;
  }
  proto::KillAnswer answer;
  Question question{"DELETE", "/runs/" + EncodePart(id), session.line().reason, "killing " + id};
  if (ExitCode code = session.Ask(question, &answer); code != kOk) return code;
  if (session.PrintedJson()) return kOk;
  session.out() << Printable(answer.run_id()) << " is gone after " << TimeText(answer.took_us())
                << ", verdict " << VerdictText(answer.verdict()) << "\n";
  return kOk;
}

}  // namespace nightjar::cli
