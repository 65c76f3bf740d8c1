#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "ipc/core/check.h"
#include "ipc/core/log.h"
#include "supervisor/proc/launch_arguments.h"
#include "supervisor/proc/launcher.h"

// linux/sched.h and sched.h cannot both be included.
struct CloneArguments {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
      set_tid_size, cgroup;
};

namespace nightjar {
namespace {

constexpr int kControlFd = 3;
constexpr rlim_t kHelperStackBytes = 64 << 20;

Status EnterDoors(const std::vector<int>& doors) {
  for (int door : doors) {
    Fd fd(door);
    NJ_TRY(WriteFileAt(fd.get(), "cgroup.procs", "0"));
  }
  return {};
}

// In the child, between clone and exec: only system calls.
[[noreturn]] void Become(const std::vector<char*>& command, int socket) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (socket == kControlFd) {
    fcntl(kControlFd, F_SETFD, 0);
  } else if (dup2(socket, kControlFd) < 0) {
    _exit(126);
  }
  // The zygote's forks inherit this: an interpreter recurses on its stack, and its own depth limit has to strike first.
  rlimit stack{kHelperStackBytes, kHelperStackBytes};
  setrlimit(RLIMIT_STACK, &stack);
  execv(command[0], command.data());
  _exit(127);
}

// CLONE_PARENT makes the supervisor the parent, which reaps it and whose death it sees.
Result<SpawnedProcess> StartAsSibling(const std::vector<std::string>& command, const Fd& socket) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  int pidfd = -1;
  CloneArguments clone{};
  clone.flags = CLONE_PARENT | CLONE_PIDFD;
  clone.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  long pid = syscall(SYS_clone3, &clone, sizeof clone);
  if (pid < 0) return FailErrno("starting " + command[0]);
  if (pid == 0) Become(arguments, socket.get());
  return SpawnedProcess{Fd(pidfd), static_cast<int>(pid)};
}

Status Serve(const LauncherPlan& plan) {
  Channel channel{Fd(kControlFd), Channel::Waiting::kYes};
  for (;;) {
    NJ_ASSIGN(auto packet, channel.Receive());
    NJ_ASSIGN(auto request, packet->Parse<proto::StartHelper>());
    proto::HelperStarted answer;
    answer.set_kind(request.kind());
    if (packet->fds.size() != 1) return Fail(ErrorCode::kProtocol, "a request without a socket");
    const auto& command = request.kind() == proto::HELPER_ZYGOTE ? plan.zygote : plan.writer;
    auto started = StartAsSibling(command, packet->fds[0]);
    if (!started) {
      answer.set_error(started.error().ToString());
      NJ_TRY(channel.Send(answer));
      continue;
    }
    answer.set_pid(started->pid);
    NJ_TRY(channel.Send(answer, {started->pidfd.get()}));
  }
}

}  // namespace

int LauncherMain(int argc, char** argv) {
  StartLog("nightjar-launcher", LogMode::kSync);
  pid_t supervisor = getppid();
  CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0);
  if (getppid() != supervisor) return 0;
  // A terminal's Ctrl-C is for the supervisor to act on; its socket's end is what ends this process.
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  fcntl(kControlFd, F_SETFD, FD_CLOEXEC);
  auto arguments = ParseLaunchArguments(argc, argv);
  Status served = arguments ? EnterDoors(arguments->doors) : Status(tl::unexpect, arguments.error());
  if (served) served = Serve(arguments->plan);
  if (served.error().code == ErrorCode::kUnavailable) return 0;  // the supervisor closed the socket
  LogError("launcher_failed", {{"error", served.error().ToString()}});
  return 1;
}

}  // namespace nightjar
