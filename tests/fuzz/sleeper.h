// A process that sleeps until it is killed: the body of a worker that a fuzzer plays.
//
// It shares this process's memory and descriptors, so that a thousand a second can be made: there
// is nothing to copy. Whoever watches its pidfd reaps it; the destructor makes sure that it is
// gone.
#pragma once

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "ipc/core/fd.h"
#include "tests/fuzz/must.h"

namespace nightjar::fuzz {

class Sleeper {
 public:
  Sleeper() {
    stack_ = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    Must(stack_ != MAP_FAILED, "there is memory");
    int pidfd = -1;
    int pid = clone(Sleep, static_cast<char*>(stack_) + kStackBytes,
                    CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_PIDFD, nullptr, &pidfd);
    Must(pid > 0, "there can be a process");
    pidfd_ = Fd(pidfd);
  }
  Sleeper(const Sleeper&) = delete;
  ~Sleeper() {
    Signal(SIGKILL);
    siginfo_t info{};
    auto id = static_cast<id_t>(pidfd_.get());
    while (waitid(P_PIDFD, id, &info, WEXITED | __WALL) != 0 && errno == EINTR) continue;
    munmap(stack_, kStackBytes);
  }

  // Of a process that is gone already it is no matter.
  void Signal(int number) { syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0); }
  const Fd& pidfd() const { return pidfd_; }

 private:
  static constexpr size_t kStackBytes = 64 * 1024;
  // It runs beside this process, in the same memory: no instrumentation, and nothing but sleep.
  __attribute__((no_sanitize("address", "undefined", "coverage"))) static int Sleep(void*) {
    for (;;) pause();
  }

  void* stack_;
  Fd pidfd_;
};

}  // namespace nightjar::fuzz
