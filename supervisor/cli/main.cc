// nightjar: the command line. Everything but `serve` and `doctor` is a question to the running
// supervisor.
#include <csignal>
#include <iostream>
#include <optional>

#include "supervisor/cli/command_line.h"
#include "supervisor/cli/commands.h"
#include "supervisor/cli/serve_arguments.h"
#include "supervisor/cli/session.h"
#include "supervisor/cli/terminal.h"

int main(int argc, char** argv) {
  using namespace nightjar::cli;
  if (auto arguments = ServeArguments(argc, argv)) return Serve(std::move(*arguments), std::cerr);
  auto parsed = ParseCommandLine(argc, argv, std::cout, std::cerr);
  if (int* code = std::get_if<int>(&parsed)) return *code;
  const CommandLine& line = std::get<CommandLine>(parsed);
  // `nightjar traces demo | head` ends quietly, as other programs do.
  signal(SIGPIPE, SIG_DFL);
  std::ios::sync_with_stdio(false);
  Terminal terminal = StandardTerminal(line.colour);
  Session session(line, terminal);
  ExitCode code = Dispatch(session);
  std::cout.flush();
  // A full disk behind a pipe or file must not look like success.
  if (!std::cout && code == kOk) return session.Complain(kNo, "the output could not be written");
  return code;
}
