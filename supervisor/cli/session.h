// One invocation of a command: asks the supervisor in messages instead of bytes, and says what went
// wrong in one line.
//
// Commands use it; it knows no command. One thread.
#pragma once

#include <google/protobuf/message.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "ipc/proto/control.pb.h"
#include "supervisor/cli/client.h"
#include "supervisor/cli/command_line.h"
#include "supervisor/cli/event_text.h"
#include "supervisor/cli/exit_code.h"
#include "supervisor/cli/progress.h"
#include "supervisor/cli/terminal.h"

namespace nightjar::cli {

struct Question {
  std::string method = "GET";
  std::string target;
  std::string_view body = {};
  std::string waiting_for = "waiting for the supervisor";  // told when it takes long
};

class Session {
 public:
  // Both outlive it.
  Session(const CommandLine& line, Terminal& terminal);

  // Fills `answer` (null: what came is no message, and is last_body()). What failed is printed, and
  // `refusal`, where given, takes what the supervisor said about it.
  ExitCode Ask(const Question& question, google::protobuf::Message* answer,
               proto::ControlError* refusal = nullptr);
  // What lies at `target` as it is, of the media type: last_body() then.
  ExitCode Fetch(const std::string& target, const std::string& type);
  // For a question that has another way to be answered: kNobody is silent, kRefused has been told.
  enum class Tried { kAnswered, kRefused, kNobody };
  Tried TryAsk(const Question& question, google::protobuf::Message* answer);

  // For what may be missing, of which nothing is said here: the answer as it came, or why there is
  // none. kUnavailable: the supervisor is away; kExhausted: it may have one later.
  Result<std::string> TryGet(const std::string& target);
  // kExists: it is there already.
  Result<std::string> TryPut(const std::string& target, std::string_view body);
  Result<ControlClient::Part> TryFetchPart(const std::string& target, const std::string& type,
                                           uint64_t first, uint64_t count);

  // The supervisor's events after the last one that `text` has seen, until `each` returns false
  // (kOk) or the supervisor is away (kUnreachable, of which nothing is said here; see last_error).
  ExitCode Follow(const std::string& target, EventText* text,
                  const std::function<bool(const ServerEvent&)>& each);

  static bool ReadJson(const std::string& json, google::protobuf::Message* message);

  // Under --json: prints the last answer as it came and returns true, so that the caller is done.
  bool PrintedJson();

  // As JSON, what the supervisor did not say.
  void Print(const google::protobuf::Message& message);

  // One line on standard error: "nightjar: ...".
  ExitCode Complain(ExitCode code, std::string_view sentence);

  const std::string& last_body() const { return last_body_; }
  const std::string& last_error() const { return last_error_; }
  const CommandLine& line() const { return line_; }
  std::ostream& out() { return terminal_.out; }
  std::ostream& err() { return terminal_.err; }
  const Terminal& terminal() const { return terminal_; }
  // For what goes to standard error: coloured only where that is a terminal too.
  Paint error_paint() const { return terminal_.err_is_terminal ? terminal_.paint : Paint(); }
  const Paint& paint() const { return terminal_.paint; }

 private:
  ExitCode Connect();
  Result<Answer> Send(const Question& question);
  ExitCode Understand(Answer answer, google::protobuf::Message* message,
                      proto::ControlError* refusal);
  ExitCode Refused(long status, proto::ControlError* refusal);
  static Error WhyNot(const Answer& answer);
  Result<std::string> Try(const Question& question);

  const CommandLine& line_;
  Terminal& terminal_;
  Progress progress_;
  std::unique_ptr<ControlClient> client_;
  std::string last_body_;
  std::string last_error_;
};

}  // namespace nightjar::cli
