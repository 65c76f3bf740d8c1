#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "ipc/core/clone.h"
#include "ipc/core/log.h"
#include "ipc/core/privileges.h"
#include "supervisor/proc/launch_arguments.h"
#include "supervisor/proc/launcher.h"
#include "supervisor/proc/nest.h"

namespace nightjar {
namespace {

constexpr int kControlFd = 3;
constexpr int kLifeFd = 4;
constexpr rlim_t kHelperStackBytes = 64 << 20;

Status EnterDoors(const std::vector<int>& doors) {
  for (int door : doors) {
    Fd fd(door);
    NJ_TRY(WriteFileAt(fd.get(), "cgroup.procs", "0"));
  }
  return {};
}

// In the child, between clone and exec: only system calls.
[[noreturn]] void Become(const std::vector<char*>& command, char* const* environment, int socket) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (socket == kControlFd) {
    fcntl(kControlFd, F_SETFD, 0);
  } else if (dup2(socket, kControlFd) < 0) {
    _exit(126);
  }
  // The zygote's forks inherit this: an interpreter recurses on its stack, and its own depth limit
  // has to strike first.
  rlimit stack{kHelperStackBytes, kHelperStackBytes};
  setrlimit(RLIMIT_STACK, &stack);
  execve(command[0], command.data(), environment);
  _exit(127);
}

// CLONE_PARENT makes the supervisor the parent, which reaps it and whose death it sees.
Result<SpawnedProcess> StartAsSibling(const std::vector<std::string>& command,
                                      char* const* environment, const Fd& socket) {
  if (command.empty()) return Fail(ErrorCode::kInvalid, "there is no such helper");
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  int pidfd = -1;
  CloneArguments clone;
  clone.flags = CLONE_PARENT | CLONE_PIDFD;
  clone.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  long pid = Clone3(clone);
  if (pid < 0) return FailErrno("starting " + command[0]);
  if (pid == 0) Become(arguments, environment, socket.get());
  return SpawnedProcess{Fd(pidfd), static_cast<int>(pid)};
}

Result<SpawnedProcess> Start(proto::HelperKind kind, const LauncherPlan& plan, Nest& nest,
                             const Fd& socket) {
  if (kind == proto::HELPER_WRITER) return StartAsSibling(plan.writer, environ, socket);
  bool exec = kind == proto::HELPER_EXEC_ZYGOTE;
  if (!exec && kind != proto::HELPER_ZYGOTE)
    return Fail(ErrorCode::kInvalid, "there is no such helper");
  // Whatever the service was started with, its forks are strangers'; the strings of an environment
  // stay in a process's memory even when it is cleared.
  char* const nothing[] = {nullptr};
  Result<SpawnedProcess> started;
  NJ_TRY(nest.Inside([&] {
    started = StartAsSibling(exec ? plan.exec_zygote : plan.zygote, nothing, socket);
  }));
  return started;
}

Status Serve(const LauncherPlan& plan) {
  Channel channel{Fd(kControlFd), Channel::Waiting::kYes};
  Nest nest(kLifeFd, plan.nest);
  for (;;) {
    NJ_ASSIGN(auto packet, channel.Receive());
    NJ_ASSIGN(auto request, packet->Parse<proto::StartHelper>());
    proto::HelperStarted answer;
    answer.set_kind(request.kind());
    if (packet->fds.size() != 1) return Fail(ErrorCode::kProtocol, "a request without a socket");
    auto started = Start(request.kind(), plan, nest, packet->fds[0]);
    if (!started) {
      answer.set_error(started.error().ToString());
      NJ_TRY(channel.Send(answer));
      continue;
    }
    answer.set_pid(started->pid);
    NJ_TRY(channel.Send(answer, {started->pidfd.get()}));
  }
}

// What the two helpers need before they give it up: the zygote the first three and SETPCAP, the
// writer the rest and SETPCAP. A capability outside the bounding set does not come back at their
// exec.
Status KeepHelpersCapabilities() {
  constexpr int kKept[] = {CAP_SYS_ADMIN, CAP_SETUID,       CAP_SETGID, CAP_SETPCAP,
                           CAP_CHOWN,     CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_SYS_NICE};
  __user_cap_data_struct data[2]{};
  for (int capability = 0; capability <= 63; ++capability) {
    if (std::find(std::begin(kKept), std::end(kKept), capability) != std::end(kKept)) {
      auto& half = data[capability / 32];
      half.effective = half.permitted |= 1u << (capability % 32);
    } else if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
      if (errno == EINVAL) break;  // past the last one that this kernel knows
      return FailErrno("reducing the capability bounding set");
    }
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  if (syscall(SYS_capset, &header, data) != 0) return FailErrno("reducing capabilities");
  return {};
}

}  // namespace

int LauncherMain(int argc, char** argv) {
  StartLog("nightjar-launcher", LogMode::kSync);
  // It is a real-time process as the supervisor is at its start; its helpers are ordinary.
  KeepRealTimeToItself();
  // A terminal's Ctrl-C is for the supervisor to act on. Its socket's end is what ends this
  // process; a death signal would not, as the supervisor may not signal root (nest.h).
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  fcntl(kControlFd, F_SETFD, FD_CLOEXEC);
  fcntl(kLifeFd, F_SETFD, FD_CLOEXEC);
  auto arguments = ParseLaunchArguments(argc, argv);
  Status served =
      arguments ? EnterDoors(arguments->doors) : Status(tl::unexpect, arguments.error());
  if (served) served = KeepHelpersCapabilities();
  if (served) served = Serve(arguments->plan);
  if (served.error().code == ErrorCode::kUnavailable) return 0;  // the supervisor closed the socket
  LogError("launcher_failed", {{"error", served.error().ToString()}});
  return 1;
}

}  // namespace nightjar
