// A process that does nothing but end as it is told: the body of a worker that a test plays itself.
//
// Needs no right and no cgroup. Whoever watches its pidfd reaps it; the destructor makes sure that
// it is gone, and reaps it where nobody did. One thread.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "ipc/core/check.h"
#include "ipc/core/fd.h"

namespace nightjar::testing {

class StandIn {
 public:
  StandIn() {
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    word_ = Fd(ends[1]);
    Fd theirs(ends[0]);
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    Fd ready(ends[0]);
    Fd until_ready(ends[1]);  // it closes its copy once it is what it says
    pid_ = fork();
    CHECK(pid_ >= 0);
    if (pid_ == 0) Live(theirs.get());
    pidfd_ = Fd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
    CHECK(pidfd_.valid());
    until_ready.Close();
    // A signal that came before would meet the handlers that it was forked with.
    char none;
    while (read(ready.get(), &none, 1) < 0 && errno == EINTR) continue;
  }
  StandIn(const StandIn&) = delete;
  ~StandIn() {
    Signal(SIGKILL);
    siginfo_t info{};
    auto id = static_cast<id_t>(pidfd_.get());
    while (waitid(P_PIDFD, id, &info, WEXITED) != 0 && errno == EINTR) continue;
  }

  void Exit(int code) {
    auto byte = static_cast<unsigned char>(code);
    CHECK(write(word_.get(), &byte, 1) == 1);
  }
  // Of a process that is gone already it is no matter.
  void Signal(int number) { syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0); }

  const Fd& pidfd() const { return pidfd_; }
  int pid() const { return pid_; }

 private:
  [[noreturn]] static void Live(int word) {
    rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    // A sanitizer's handlers are not this process's business.
    for (int number : {SIGSEGV, SIGABRT, SIGSYS, SIGXCPU}) signal(number, SIG_DFL);
    // Nothing of the test's but its word: a socket that a test closes must be closed.
    if (word != 3) CHECK(dup2(word, 3) == 3);
    syscall(SYS_close_range, 4, ~0u, 0);
    unsigned char code = 0;
    while (read(3, &code, 1) < 0) continue;
    _exit(code);  // 0 at the end of the test's process
  }

  Fd word_;
  Fd pidfd_;
  pid_t pid_ = -1;
};

}  // namespace nightjar::testing
