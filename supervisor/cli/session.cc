#include "supervisor/cli/session.h"

#include <google/protobuf/util/json_util.h>

#include "supervisor/cli/pretty_json.h"
#include "supervisor/cli/printable.h"

namespace nightjar::cli {

bool Session::ReadJson(const std::string& json, google::protobuf::Message* message) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;  // a newer supervisor may say more
  return google::protobuf::util::JsonStringToMessage(json, message, options).ok();
}

Session::Session(const CommandLine& line, Terminal& terminal)
    : line_(line),
      terminal_(terminal),
      progress_(terminal.err, terminal.err_is_terminal ? Progress::Where::kTerminal
                                                       : Progress::Where::kNowhere) {}

ExitCode Session::Connect() {
  if (client_) return kOk;
  auto client = ControlClient::Create(line_.control_socket(),
                                      [this](Nanos waited) { progress_.Tick(waited); });
  if (!client) return Complain(kUsage, client.error().ToString());
  client_ = std::move(*client);
  return kOk;
}

Result<Answer> Session::Send(const Question& question) {
  progress_.Begin(question.waiting_for);
  auto answer = client_->Ask(question.method, question.target, question.body);
  progress_.End();
  return answer;
}

ExitCode Session::Ask(const Question& question, google::protobuf::Message* answer,
                      proto::ControlError* refusal) {
  if (ExitCode code = Connect(); code != kOk) return code;
  auto got = Send(question);
  if (!got)
    return Complain(got.error().code == ErrorCode::kUnavailable ? kUnreachable : kNo,
                    got.error().ToString());
  return Understand(std::move(*got), answer, refusal);
}

ExitCode Session::Fetch(const std::string& target, const std::string& type) {
  if (ExitCode code = Connect(); code != kOk) return code;
  progress_.Begin("reading the trace");
  auto got = client_->Fetch(target, type);
  progress_.End();
  if (!got)
    return Complain(got.error().code == ErrorCode::kUnavailable ? kUnreachable : kNo,
                    got.error().ToString());
  return Understand(std::move(*got), nullptr, nullptr);
}

ExitCode Session::Follow(const std::string& target, EventText* text,
                         const std::function<bool(const ServerEvent&)>& each) {
  if (ExitCode code = Connect(); code != kOk) return code;
  text->Restart();
  auto got = client_->Follow(target, text->last_id(),
                             [&](std::string_view bytes) { return text->Take(bytes, each); });
  if (!got) {
    last_error_ = got.error().ToString();
    return kUnreachable;
  }
  last_body_ = std::move(got->body);
  return got->status == 200 ? kOk : Refused(got->status, nullptr);
}

Error Session::WhyNot(const Answer& answer) {
  proto::ControlError said;
  if (!ReadJson(answer.body, &said) || said.error().empty())
    said.set_error("the supervisor answered with HTTP status " + std::to_string(answer.status));
  ErrorCode code = ErrorCode::kNotFound;
  if (answer.status == 409) code = ErrorCode::kExists;
  if (answer.status >= 500) code = ErrorCode::kExhausted;  // it may be there later
  return {code, 0, said.error()};
}

Result<std::string> Session::Try(const Question& question) {
  if (Connect() != kOk) return Fail(ErrorCode::kInvalid, "there is no such socket");
  NJ_ASSIGN(Answer answer, Send(question));
  if (answer.status != 200) return tl::unexpected<Error>(WhyNot(answer));
  return std::move(answer.body);
}

Result<std::string> Session::TryGet(const std::string& target) {
  return Try({.target = target});
}

Result<std::string> Session::TryPut(const std::string& target, std::string_view body) {
  return Try({.method = "PUT", .target = target, .body = body});
}

Result<ControlClient::Part> Session::TryFetchPart(const std::string& target,
                                                  const std::string& type, uint64_t first,
                                                  uint64_t count) {
  if (Connect() != kOk) return Fail(ErrorCode::kInvalid, "there is no such socket");
  progress_.Begin("reading the trace");
  auto part = client_->FetchPart(target, type, first, count);
  progress_.End();
  NJ_TRY(part);
  if (part->answer.status != 206) return tl::unexpected<Error>(WhyNot(part->answer));
  return part;
}

Session::Tried Session::TryAsk(const Question& question, google::protobuf::Message* answer) {
  if (Connect() != kOk) return Tried::kRefused;
  auto got = Send(question);
  if (!got) return Tried::kNobody;
  return Understand(std::move(*got), answer, nullptr) == kOk ? Tried::kAnswered : Tried::kRefused;
}

ExitCode Session::Understand(Answer answer, google::protobuf::Message* message,
                             proto::ControlError* refusal) {
  last_body_ = std::move(answer.body);
  if (answer.status != 200) return Refused(answer.status, refusal);
  if (message == nullptr || ReadJson(last_body_, message)) return kOk;
  return Complain(kNo, "the supervisor's answer makes no sense to this version of nightjar");
}

ExitCode Session::Refused(long status, proto::ControlError* refusal) {
  proto::ControlError said;
  bool understood = ReadJson(last_body_, &said) && !said.error().empty();
  if (line_.json && understood) terminal_.out << PrettyJson(last_body_);
  if (!understood)
    said.set_error("the supervisor answered with HTTP status " + std::to_string(status));
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

void Session::Print(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  (void)google::protobuf::util::MessageToJsonString(message, &json, options);
  terminal_.out << PrettyJson(json);
}

ExitCode Session::Complain(ExitCode code, std::string_view sentence) {
  progress_.End();
  terminal_.err << "nightjar: " << Printable(sentence) << "\n";
  return code;
}

}  // namespace nightjar::cli
