#include "supervisor/cli/open_with.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "ipc/core/fd.h"

namespace nightjar::cli {
namespace {

// A folder of mode 0700 with one file, for as long as it lives.
class PrivateFile {
 public:
  static Result<PrivateFile> Create(const std::string& name, std::string_view text) {
    const char* temporary = getenv("TMPDIR");
    std::string folder =
        std::string(temporary != nullptr && *temporary != '\0' ? temporary : "/tmp") +
        "/nightjar-XXXXXX";
    if (mkdtemp(folder.data()) == nullptr) return FailErrno("making " + folder);
    PrivateFile file(folder, folder + "/" + name);
    Fd fd(open(file.path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd.valid()) return FailErrno(file.path_);
    NJ_TRY(WriteAll(fd, text, "writing the trace"));
    return file;
  }
  PrivateFile(PrivateFile&& other) noexcept
      : folder_(std::exchange(other.folder_, "")), path_(std::move(other.path_)) {}
  PrivateFile& operator=(PrivateFile&&) = delete;
  ~PrivateFile() {
    if (folder_.empty()) return;
    unlink(path_.c_str());
    rmdir(folder_.c_str());
  }
  const std::string& path() const { return path_; }

 private:
  PrivateFile(std::string folder, std::string path)
      : folder_(std::move(folder)), path_(std::move(path)) {}
  std::string folder_;
  std::string path_;
};

// What a terminal's keys send is left to the program; it must not leave the file behind.
class InterruptsIgnored {
 public:
  InterruptsIgnored() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGINT, &ignore, &interrupt_);
    sigaction(SIGQUIT, &ignore, &quit_);
  }
  ~InterruptsIgnored() {
    sigaction(SIGINT, &interrupt_, nullptr);
    sigaction(SIGQUIT, &quit_, nullptr);
  }

 private:
  struct sigaction interrupt_ {};
  struct sigaction quit_ {};
};

Result<int> RunOn(const std::string& program, const std::string& path) {
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t usual;
  sigemptyset(&usual);
  for (int signal : {SIGINT, SIGQUIT}) sigaddset(&usual, signal);
  posix_spawnattr_setsigdefault(&attributes, &usual);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  std::string words[] = {program, path};
  char* argv[] = {words[0].data(), words[1].data(), nullptr};
  pid_t child = 0;
  int failed = posix_spawnp(&child, program.c_str(), nullptr, &attributes, argv, environ);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) return FailErrno("starting " + program, failed);
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return FailErrno("waiting for " + program);
  return status;
}

}  // namespace

Status OpenWith(const std::string& program, const std::string& name, std::string_view text) {
  InterruptsIgnored ignored;
  NJ_ASSIGN(PrivateFile file, PrivateFile::Create(name, text));
  NJ_ASSIGN(int status, RunOn(program, file.path()));
  if (WIFSIGNALED(status))
    return Fail(ErrorCode::kInvalid,
                program + " was ended by signal " + std::to_string(WTERMSIG(status)));
  if (WEXITSTATUS(status) != 0)
    return Fail(ErrorCode::kInvalid,
                program + " ended with status " + std::to_string(WEXITSTATUS(status)));
  return {};
}

}  // namespace nightjar::cli
