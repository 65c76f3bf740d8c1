#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>

#include "ipc/core/bounds.h"
#include "supervisor/cli/commands.h"
#include "supervisor/cli/printable.h"
#include "supervisor/cli/quantity.h"
#include "supervisor/cli/render_deploy.h"
#include "supervisor/cli/short_id.h"

namespace nightjar::cli {
namespace {

constexpr char kStandardInput[] = "-";

// A whole file or standard input; at most `bytes_max`. What is wrong is printed.
std::optional<std::string> ReadInput(Session& session, const std::string& file, size_t bytes_max) {
  std::ifstream opened;
  bool standard = file == kStandardInput;
  if (!standard) {
    std::error_code ignored;
    if (std::filesystem::is_directory(file, ignored)) {
      session.Complain(kUsage, file + " is a directory");
      return std::nullopt;
    }
    errno = 0;
    opened.open(file, std::ios::binary);
    if (!opened) {
      session.Complain(kUsage, "cannot read " + file + ": " + strerror(errno));
      return std::nullopt;
    }
  }
  std::istream& in = standard ? std::cin : opened;
  std::string text;
  char block[64 * 1024];
  while (in.read(block, sizeof block) || in.gcount() > 0) {
    text.append(block, static_cast<size_t>(in.gcount()));
    if (text.size() <= bytes_max) continue;
    session.Complain(kUsage, file + " is larger than " + BytesText(bytes_max));
    return std::nullopt;
  }
  return text;
}

std::string CanvasPath(const std::string& canvas) {
  return "/canvases/" + EncodePart(canvas);
}

}  // namespace

ExitCode Deploy(Session& session) {
  const CommandLine& line = session.line();
  auto source = ReadInput(session, line.file, bounds::kSourceBytes);
  if (!source) return kUsage;
  std::string shown = line.file == kStandardInput ? "(standard input)" : line.file;
  std::string name = std::filesystem::path(line.file).filename().string();
  Question question{"PUT", CanvasPath(line.canvas) + "?file=" + EncodePart(name), *source,
                    "compiling and deploying " + line.canvas};
  proto::DeployAnswer answer;
  proto::ControlError refusal;
  ExitCode code = session.Ask(question, &answer, &refusal);
  if (code != kOk) {
    if (line.json || refusal.diagnostics().empty()) return code;
    size_t errors = 0;
    for (const proto::Diagnostic& diagnostic : refusal.diagnostics()) {
      session.err() << RenderDiagnostic(diagnostic, shown, session.error_paint());
      if (!diagnostic.warning()) ++errors;
    }
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
  ExitCode ended = answer.verdict() == proto::VERDICT_FINISHED ? kOk : kNo;
  if (session.PrintedJson()) return ended;
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
  return ended;
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
  Question question{"DELETE", "/runs/" + EncodePart(id), {}, "killing " + id};
  if (ExitCode code = session.Ask(question, &answer); code != kOk) return code;
  if (session.PrintedJson()) return kOk;
  session.out() << Printable(answer.run_id()) << " is gone after " << TimeText(answer.took_us())
                << ", verdict " << VerdictText(answer.verdict()) << "\n";
  return kOk;
}

}  // namespace nightjar::cli
