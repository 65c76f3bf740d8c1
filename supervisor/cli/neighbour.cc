#include "supervisor/cli/neighbour.h"

#include <fcntl.h>
#include <google/protobuf/util/json_util.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>

#include "ipc/core/bounds.h"
#include "ipc/core/fd.h"

namespace nightjar::cli {
namespace {

Result<std::string> PathOf(const std::string& program) {
  char own[PATH_MAX];
  ssize_t size = readlink("/proc/self/exe", own, sizeof own);
  if (size <= 0) return FailErrno("finding this program's own directory");
  std::string path(own, static_cast<size_t>(size));
  path = path.substr(0, path.rfind('/') + 1) + program;
  if (access(path.c_str(), X_OK) != 0) return FailErrno("the program " + path + " cannot be run");
  return path;
}

// Pointers into `path` and `arguments`.
std::vector<char*> Argv(const std::string& path, const std::vector<std::string>& arguments) {
  std::vector<char*> argv = {const_cast<char*>(path.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  return argv;
}

Result<std::string> ReadAll(const Fd& fd) {
  std::string text;
  char block[16 * 1024];
  for (;;) {
    ssize_t got = read(fd.get(), block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailErrno("reading what a program says");
    if (got == 0) return text;
    text.append(block, static_cast<size_t>(got));
    if (text.size() > bounds::kControlBodyBytes)
      return Fail(ErrorCode::kExhausted, "a program says too much");
  }
}

// `input`: its standard input, or null to leave it the caller's.
Result<Answered> Ask(const std::string& program, const std::vector<std::string>& arguments,
                     const Fd* input) {
  NJ_ASSIGN(std::string path, PathOf(program));
  NJ_ASSIGN(Pipe output, MakePipe());
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output.write.get(), STDOUT_FILENO);
  if (input != nullptr) posix_spawn_file_actions_adddup2(&actions, input->get(), STDIN_FILENO);
  pid_t child = -1;
  int failed =
      posix_spawn(&child, path.c_str(), &actions, nullptr, Argv(path, arguments).data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return FailErrno("starting " + path, failed);
  output.write.Close();
  auto text = ReadAll(output.read);
  output.read.Close();  // where it was too much, the writer ends by SIGPIPE
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!text) return tl::unexpected(text.error());
  return Answered{std::move(*text),
                  WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)};
}

}  // namespace

Error BecomeSupervisor(const std::vector<std::string>& arguments) {
  auto path = PathOf("nightjard");
  if (!path) return path.error();
  execv(path->c_str(), Argv(*path, arguments).data());
  return FailErrno("starting " + *path).value();
}

Result<std::string> AskProgram(const std::string& program,
                               const std::vector<std::string>& arguments,
                               google::protobuf::Message* answer) {
  NJ_ASSIGN(Answered answered, Ask(program, arguments, nullptr));
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  if (google::protobuf::util::JsonStringToMessage(answered.text, answer, options).ok())
    return std::move(answered.text);
  std::string command = program;
  for (const std::string& argument : arguments) command += " " + argument;
  return Fail(ErrorCode::kProtocol, command + " did not answer in a way that makes sense here");
}

Result<Answered> AskProgram(const std::string& program, const std::vector<std::string>& arguments,
                            std::string_view input) {
  // A file rather than a pipe: nobody waits for the other, whichever end is slow or gone.
  NJ_ASSIGN(Fd file, CreateImmutableMemfd("input", input));
  if (lseek(file.get(), 0, SEEK_SET) != 0) return FailErrno("handing a program its input");
  return Ask(program, arguments, &file);
}

}  // namespace nightjar::cli
