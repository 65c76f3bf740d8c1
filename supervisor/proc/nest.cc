#include "supervisor/proc/nest.h"

#include <linux/capability.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <thread>

#include "ipc/core/clone.h"

namespace nightjar {
namespace {

constexpr int kWatchPlace = 0;

// The whole life of the first process: only system calls. Signals from outside but SIGKILL pass it
// by, as it is first in its namespace and handles none.
[[noreturn]] void WatchSupervisor(int watched_fd) {
  prctl(PR_SET_NAME, "nightjar-nest", 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2]{};
  if (dup2(watched_fd, kWatchPlace) < 0 || syscall(SYS_close_range, kWatchPlace + 1, ~0u, 0) != 0 ||
      syscall(SYS_capset, &header, none) != 0)
    _exit(1);
  pollfd watched{kWatchPlace, 0, 0};  // a hang-up is told unasked
  while (poll(&watched, 1, -1) < 0 && errno == EINTR) {
  }
  _exit(0);
}

}  // namespace

Status Nest::EnsureAlive() {
  if (first_.valid()) {
    siginfo_t info{};
    if (waitid(P_PIDFD, static_cast<id_t>(first_.get()), &info, WEXITED | WNOHANG) != 0)
      return FailErrno("looking after the nest");
    if (info.si_pid == 0) return {};
  }
  int pidfd = -1;
  CloneArguments clone;
  clone.flags = CLONE_NEWPID | CLONE_PIDFD;
  clone.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  clone.exit_signal = SIGCHLD;
  long pid = Clone3(clone);
  if (pid < 0) return FailErrno("making a pid namespace for the workers");
  if (pid == 0) WatchSupervisor(watched_fd_);
  first_ = Fd(pidfd);
  return {};
}

Status Nest::Inside(const std::function<void()>& start) {
  NJ_TRY(EnsureAlive());
  Status entered;
  std::thread inside([&] {
    // Of this thread alone: a thread has namespaces of its own.
    if (setns(first_.get(), CLONE_NEWPID) != 0)
      entered = FailErrno("entering the nest");
    else
      start();
  });
  inside.join();
  return entered;
}

}  // namespace nightjar
