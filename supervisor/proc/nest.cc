#include "supervisor/proc/nest.h"

#include <linux/capability.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <thread>

#include "ipc/core/clone.h"
#include "ipc/core/privileges.h"

namespace nightjar {
namespace {

constexpr int kWatchPlace = 0;

// As that user, who may signal nobody else, and once for all of them: the kernel holds forks off
// while it goes through the processes. It finds those alone that are seen from here, so that a
// supervisor that was taken over reaches nothing outside the nest. Only the saved user id stays
// root's, which is the way back.
void KillUser(uint32_t uid) {
  if (uid == 0 || syscall(SYS_setresuid, uid, uid, 0) != 0) return;
  kill(-1, SIGKILL);
  if (syscall(SYS_setresuid, 0, 0, 0) != 0) _exit(1);
  // A change of user makes a process private, and the launcher, which has no CAP_SYS_PTRACE, could
  // not put a later zygote in here. One that it starts at this very moment is tried again.
  prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

// The whole life of the first process: only system calls. Signals from outside but SIGKILL pass it
// by, as it is first in its namespace and handles none. It ends with the supervisor. Without the
// duty to kill it has no capability, and an order of that kind does nothing.
[[noreturn]] void WatchSupervisor(int watched_fd, NestDuty duty) {
  prctl(PR_SET_NAME, "nightjar-nest", 0, 0, 0);
  // The workers of a supervisor that is gone live as long as this waits for a processor, which they
  // keep busy. Where it is refused, the supervisor's log has said so of itself.
  (void)RaiseItselfToRealTime();
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct kept[2]{};
  if (duty == NestDuty::kWatchAndKill) kept[0].effective = kept[0].permitted = 1u << CAP_SETUID;
  if (dup2(watched_fd, kWatchPlace) < 0 || syscall(SYS_close_range, kWatchPlace + 1, ~0u, 0) != 0 ||
      syscall(SYS_capset, &header, kept) != 0)
    _exit(1);
  for (;;) {
    pollfd watched{kWatchPlace, POLLIN, 0};
    if (poll(&watched, 1, -1) < 0 && errno == EINTR) continue;
    NestOrder order{};
    if (recv(kWatchPlace, &order, sizeof order, MSG_DONTWAIT) != sizeof order) _exit(0);
    KillUser(order.uid);
    if (send(kWatchPlace, &order.ticket, sizeof order.ticket, MSG_NOSIGNAL) < 0) _exit(0);
  }
}

// Orders that the last first process left: all that they meant died with it, and a user's id may
// have another owner in the next nest.
void AnswerForTheDead(int watched_fd) {
  NestOrder order{};
  while (recv(watched_fd, &order, sizeof order, MSG_DONTWAIT) == sizeof order)
    if (send(watched_fd, &order.ticket, sizeof order.ticket, MSG_NOSIGNAL) < 0) return;
}

}  // namespace

Status Nest::EnsureAlive() {
  if (first_.valid()) {
    siginfo_t info{};
    if (waitid(P_PIDFD, static_cast<id_t>(first_.get()), &info, WEXITED | WNOHANG) != 0)
      return FailErrno("looking after the nest");
    if (info.si_pid == 0) return {};
  }
  AnswerForTheDead(watched_fd_);
  int pidfd = -1;
  CloneArguments clone;
  clone.flags = CLONE_NEWPID | CLONE_PIDFD;
  clone.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  clone.exit_signal = SIGCHLD;
  long pid = Clone3(clone);
  if (pid < 0) return FailErrno("making a pid namespace for the workers");
  if (pid == 0) WatchSupervisor(watched_fd_, duty_);
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
