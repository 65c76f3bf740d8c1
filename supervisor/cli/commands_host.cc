#include "supervisor/cli/commands.h"
#include "supervisor/cli/neighbour.h"
#include "supervisor/cli/pretty_json.h"
#include "supervisor/cli/render_lists.h"

namespace nightjar::cli {
namespace {

ExitCode Show(Session& session, const proto::DoctorAnswer& answer, const std::string& json) {
  if (session.line().json)
    session.out() << PrettyJson(json);
  else
    session.out() << RenderDoctor(answer, session.paint());
  return answer.can_serve() ? kOk : kNo;
}

// No supervisor here: its program looks at the host itself.
ExitCode ExamineHost(Session& session) {
  proto::DoctorAnswer answer;
  auto json = AskProgram("nightjard", {"--doctor"}, &answer);
  if (!json) return session.Complain(kNo, json.error().ToString());
  return Show(session, answer, *json);
}

}  // namespace

ExitCode ShowLimits(Session& session) {
  const CommandLine& line = session.line();
  std::string target = "/canvases/" + EncodePart(line.canvas) + "/limits";
  if (!line.handler.empty()) target += "?handler=" + EncodePart(line.handler);
  proto::LimitsAnswer answer;
  if (ExitCode code = session.Ask({.target = target}, &answer); code != kOk) return code;
  if (!session.PrintedJson()) session.out() << RenderLimits(answer, session.paint());
  return kOk;
}

ExitCode ShowDoctor(Session& session) {
  proto::DoctorAnswer answer;
  switch (session.TryAsk({.target = "/doctor"}, &answer)) {
    case Session::Tried::kNobody:
      return ExamineHost(session);
    case Session::Tried::kRefused:
      return kNo;
    case Session::Tried::kAnswered:
      break;
  }
  return Show(session, answer, session.last_body());
}

ExitCode Serve(std::vector<std::string> arguments, std::ostream& err) {
  Error error = BecomeSupervisor(arguments);
  err << "nightjar: " << error.ToString() << "\n";
  return kNo;
}

}  // namespace nightjar::cli
