#include "supervisor/cli/session.h"

#include <google/protobuf/util/json_util.h>

#include "supervisor/cli/pretty_json.h"
#include "supervisor/cli/printable.h"

namespace nightjar::cli {
namespace {

bool ReadJson(const std::string& json, google::protobuf::Message* message) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;  // a newer supervisor may say more
  return google::protobuf::util::JsonStringToMessage(json, message, options).ok();
}

}  // namespace

Session::Session(const CommandLine& line, Terminal& terminal)
    : line_(line),
      terminal_(terminal),
      progress_(terminal.err, terminal.err_is_terminal ? Progress::Where::kTerminal
                                                       : Progress::Where::kNowhere) {}

ExitCode Session::Ask(const Question& question, google::protobuf::Message* answer,
                      proto::ControlError* refusal) {
  if (!client_) {
    auto client = ControlClient::Create(line_.control_socket(),
                                        [this](Nanos waited) { progress_.Tick(waited); });
    if (!client) return Complain(kUsage, client.error().ToString());
    client_ = std::move(*client);
  }
  progress_.Begin(question.waiting_for);
  auto got = client_->Ask(question.method, question.target, question.body);
  progress_.End();
  if (!got)
    return Complain(got.error().code == ErrorCode::kUnavailable ? kUnreachable : kNo,
                    got.error().ToString());
  last_body_ = std::move(got->body);
  if (got->status != 200) return Refused({got->status, {}}, refusal);
  if (!ReadJson(last_body_, answer))
    return Complain(kNo, "the supervisor's answer makes no sense to this version of nightjar");
  return kOk;
}

ExitCode Session::Refused(const Answer& answer, proto::ControlError* refusal) {
  proto::ControlError said;
  bool understood = ReadJson(last_body_, &said) && !said.error().empty();
  if (line_.json && understood) terminal_.out << PrettyJson(last_body_);
  if (!understood)
    said.set_error("the supervisor answered with HTTP status " + std::to_string(answer.status));
  if (refusal != nullptr) *refusal = said;
  // Diagnostics are shown by who asked; the summary above them would only repeat the first.
  if (refusal == nullptr || said.diagnostics().empty()) Complain(kNo, said.error());
  return kNo;
}

bool Session::PrintedJson() {
  if (!line_.json) return false;
  terminal_.out << PrettyJson(last_body_);
  return true;
}

ExitCode Session::Complain(ExitCode code, std::string_view sentence) {
  progress_.End();
  terminal_.err << "nightjar: " << Printable(sentence) << "\n";
  return code;
}

}  // namespace nightjar::cli
