// The other programs, which are installed beside this one: becoming the supervisor, or asking one
// of them something.
#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <string_view>
#include <vector>

#include "ipc/core/result.h"

namespace nightjar::cli {

// Replaces this process by nightjard with these arguments. Returns only when it cannot.
Error BecomeSupervisor(const std::vector<std::string>& arguments);

// Runs a program ("nightjard", "nightjar-worker") with these arguments, its standard error staying
// the caller's, and returns the JSON that it wrote to standard output (at most
// bounds::kControlBodyBytes), read into `answer` as well. Its exit code is not looked at: what it
// wrote says more.
Result<std::string> AskProgram(const std::string& program,
                               const std::vector<std::string>& arguments,
                               google::protobuf::Message* answer);

// Its output as it is, with `input` as its standard input, for whoever needs its exit code too (128
// and the signal's number where one ended it).
struct Answered {
  std::string text;
  int exit_code = 0;
};
Result<Answered> AskProgram(const std::string& program, const std::vector<std::string>& arguments,
                            std::string_view input);

}  // namespace nightjar::cli
