#include "worker/exec/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace nightjar {
namespace {

constexpr rlim_t kStackBytes = 8 << 20;
constexpr size_t kReadBytes = 4096;
constexpr int kAboveStandard = 3;

// The program that runs, or 0; a signal handler reads it.
volatile sig_atomic_t running = 0;

// Its reader never waits for bytes: a program that opens the pipe by /proc/self/fd can take them
// away between poll and read.
Result<Pipe> MakeOutputPipe() {
  NJ_ASSIGN(Pipe made, MakePipe());
  if (fcntl(made.read.get(), F_SETFL, O_NONBLOCK) != 0) return FailErrno("making a pipe");
  return made;
}

// A file: a program that reads none of it, or all of it twice, waits for nobody.
Result<Fd> InputFile(std::string_view input) {
  Fd file(memfd_create("input", MFD_CLOEXEC));
  if (!file.valid()) return FailErrno("making the program's input");
  NJ_TRY(WriteAll(file, input, "the program's input"));
  if (lseek(file.get(), 0, SEEK_SET) != 0) return FailErrno("making the program's input");
  return file;
}

// Readable when a child has ended. Stays blocked for this process: it waits for children itself.
Result<Fd> ChildrenEnd() {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  if (sigprocmask(SIG_BLOCK, &child, nullptr) != 0) return FailErrno("blocking SIGCHLD");
  Fd ends(signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!ends.valid()) return FailErrno("watching for children that end");
  return ends;
}

std::vector<char*> Pointers(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Everything that the child needs, made before the fork: after it only system calls.
struct Child {
  std::vector<char*> arguments;
  std::vector<char*> environment;
  Fd input;
  Pipe output;
  Pipe error;
  Pipe failure;  // closed by the exec; else errno comes through it
};

[[noreturn]] void Become(const Child& child) {
  int failure = fcntl(child.failure.write.get(), F_DUPFD_CLOEXEC, kAboveStandard);
  auto fail = [&] {
    int error = errno;
    [[maybe_unused]] ssize_t told = write(failure, &error, sizeof error);
    _exit(127);
  };
  setsid();
  rlimit stack{kStackBytes, kStackBytes};
  sigset_t none;
  sigemptyset(&none);
  signal(SIGALRM, SIG_DFL);
  if (sigprocmask(SIG_SETMASK, &none, nullptr) != 0 || setrlimit(RLIMIT_STACK, &stack) != 0 ||
      chdir(kCanvasFolder) != 0)
    fail();
  // First out of the way: a worker has no standard descriptors, so that these may be 0 to 2.
  int standard[] = {child.input.get(), child.output.write.get(), child.error.write.get()};
  for (int& fd : standard)
    if ((fd = fcntl(fd, F_DUPFD_CLOEXEC, kAboveStandard)) < 0) fail();
  for (int place = 0; place < 3; ++place)
    if (dup2(standard[place], place) < 0) fail();
  // The control socket is the worker's alone.
  if (syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC) != 0) fail();
  execve(child.arguments[0], child.arguments.data(), child.environment.data());
  fail();
  __builtin_unreachable();
}

// Why the exec failed, or nothing once it has worked.
Status AwaitExec(const Fd& failure, const std::string& program) {
  int error = 0;
  ssize_t got;
  do got = read(failure.get(), &error, sizeof error);
  while (got < 0 && errno == EINTR);
  if (got == 0) return {};
  return FailErrno("cannot run " + program, error);
}

ProgramEnd EndOf(int status) {
  if (WIFSIGNALED(status)) return {WTERMSIG(status), 0};
  return {0, WEXITSTATUS(status)};
}

// Everything else in the namespace is killed and reaped. Returns how the program itself ended.
ProgramEnd TakeAway(pid_t program) {
  ProgramEnd end;
  // Without reaping it: until then its number is nobody else's.
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(program), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR)
    continue;
  running = 0;
  kill(-1, SIGKILL);
  for (;;) {
    int status = 0;
    pid_t gone = waitpid(-1, &status, 0);
    if (gone == program) end = EndOf(status);
    if (gone < 0 && errno == ECHILD) return end;
  }
}

// Those whose parents are gone are this process's to reap: dead ones count against limit `pids`
// too. The program itself is left for TakeAway().
void ReapOrphans(const Fd& children_end, pid_t program) {
  signalfd_siginfo ended;
  while (read(children_end.get(), &ended, sizeof ended) > 0) continue;
  for (;;) {
    siginfo_t info{};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0) return;
    if (info.si_pid == 0 || info.si_pid == program) return;
    waitpid(info.si_pid, nullptr, 0);
  }
}

struct Listened {
  Fd fd;
  int descriptor;
};

// The program while it runs.
struct Watched {
  pid_t pid;
  Fd pidfd;
  Fd children_end;
};

// Reads until the program is over, or, without one, until all ends are closed. False: the listener
// had enough.
bool Listen(std::array<Listened, 2>& streams, const Watched* program,
            const Program::Listener& listener) {
  for (;;) {
    std::array<pollfd, 4> polled{
        {{program != nullptr ? program->pidfd.get() : -1, POLLIN, 0},
         {-1, POLLIN, 0},
         {-1, POLLIN, 0},
         {program != nullptr ? program->children_end.get() : -1, POLLIN, 0}}};
    bool open = false;
    for (size_t i = 0; i < streams.size(); ++i) {
      polled[i + 1].fd = streams[i].fd.get();
      open = open || streams[i].fd.valid();
    }
    if (!open && program == nullptr) return true;
    if (poll(polled.data(), polled.size(), -1) < 0) continue;  // a timer's signal
    for (size_t i = 0; i < streams.size(); ++i) {
      if (polled[i + 1].revents == 0) continue;
      char bytes[kReadBytes];
      ssize_t got = read(streams[i].fd.get(), bytes, sizeof bytes);
      if (got < 0) continue;
      if (got == 0)
        streams[i].fd.Close();
      else if (!listener(streams[i].descriptor, {bytes, static_cast<size_t>(got)}))
        return false;
    }
    if (polled[0].revents != 0) return true;
    if (polled[3].revents != 0) ReapOrphans(program->children_end, program->pid);
  }
}

}  // namespace

Result<ProgramEnd> Program::Run(const ProgramStart& start, const Listener& listener) {
  Watched program;
  NJ_ASSIGN(program.children_end, ChildrenEnd());
  Child child{Pointers(start.command), Pointers(start.environment), {}, {}, {}, {}};
  NJ_ASSIGN(child.input, InputFile(start.input));
  NJ_ASSIGN(child.output, MakeOutputPipe());
  NJ_ASSIGN(child.error, MakeOutputPipe());
  NJ_ASSIGN(child.failure, MakePipe());
  pid_t pid = fork();
  if (pid < 0) return FailErrno("starting " + start.command[0]);
  if (pid == 0) Become(child);
  running = pid;
  child.input.Close();
  child.output.write.Close();
  child.error.write.Close();
  child.failure.write.Close();
  if (Status started = AwaitExec(child.failure.read, start.command[0]); !started) {
    TakeAway(pid);
    return tl::unexpected<Error>(started.error());
  }
  program.pid = pid;
  program.pidfd = Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!program.pidfd.valid()) return FailErrno("watching the program");
  std::array<Listened, 2> streams{{{std::move(child.output.read), STDOUT_FILENO},
                                   {std::move(child.error.read), STDERR_FILENO}}};
  if (!Listen(streams, &program, listener)) return ProgramEnd{};
  ProgramEnd end = TakeAway(pid);
  // What they had written is still in the pipes, whose other ends are closed now.
  Listen(streams, nullptr, listener);
  return end;
}

void Program::Terminate() noexcept {
  if (running > 0) kill(static_cast<pid_t>(running), SIGTERM);
}

}  // namespace nightjar
