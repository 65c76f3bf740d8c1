#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/core/check.h"
#include "ipc/core/pidfd.h"
#include "supervisor/proc/zygote_client.h"

namespace nightjar {

struct Child::Impl {
  Fd pidfd;
  int pid;
  std::function<void(WaitStatus)> exited;
  FdWatch watch;

  Impl(Loop& loop, Fd fd, int number, std::function<void(WaitStatus)> callback)
      : pidfd(std::move(fd)),
        pid(number),
        exited(std::move(callback)),
        watch(loop, pidfd.get(), [this](unsigned) { Reap(); }) {
    watch.Start(FdWatch::kReadable);
  }

  void Reap() {
    siginfo_t info{};
    // __WALL: a worker that the zygote cloned has no exit signal of its own to be waited by.
    if (waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info, WEXITED | WNOHANG | __WALL) != 0) {
      // Only this class reaps; anything else that did would be a bug of ours.
      CHECK(errno == EINTR);
      return;
    }
    if (info.si_pid == 0) return;
    watch.Stop();
    WaitStatus status;
    if (info.si_code == CLD_EXITED)
      status.exit_code = info.si_status;
    else
      status.signal = info.si_status;
    auto told = std::move(exited);
    told(status);
  }
};

Child::Child(Loop& loop, Fd pidfd, int pid, std::function<void(WaitStatus)> exited)
    : impl_(std::make_unique<Impl>(loop, std::move(pidfd), pid, std::move(exited))) {}

Child::~Child() = default;

int Child::pid() const {
  if (impl_->pid == 0) impl_->pid = NumberOf(impl_->pidfd);
  return impl_->pid;
}

Status Child::Signal(int signal) {
  if (syscall(SYS_pidfd_send_signal, impl_->pidfd.get(), signal, nullptr, 0) != 0)
    return FailErrno("pidfd_send_signal");
  return {};
}

}  // namespace nightjar
