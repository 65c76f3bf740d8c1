// A process that makes a system call which its own seccomp filter denies, when it is told to, and
// the listener of that filter: what a worker hands over with "sealed".
//
// Needs no right. The destructor ends and reaps it. One thread.
#pragma once

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "ipc/core/check.h"
#include "ipc/core/fd.h"
#include "ipc/proto/worker.pb.h"
#include "ipc/wire/channel.h"

namespace nightjar::testing {

class DeniedProcess {
 public:
  // unshare(CLONE_NEWUSER)
  static inline const std::string kTold = "it called unshare(flags 0x10000000), system call " +
                                          std::to_string(SYS_unshare) +
                                          ", which its profile does not allow";

  DeniedProcess() {
    auto ends = SeqpacketPair();
    CHECK(ends.has_value());
    pid_ = fork();
    CHECK(pid_ >= 0);
    if (pid_ == 0) Live(ends->second.get());
    ends->second.Close();
    channel_.emplace(std::move(ends->first), Channel::Waiting::kYes);
    auto packet = channel_->Receive();
    CHECK(packet.has_value() && packet->has_value() && (*packet)->fds.size() == 1);
    listener = std::move((*packet)->fds[0]);
  }
  DeniedProcess(const DeniedProcess&) = delete;
  ~DeniedProcess() { Kill(); }

  // It makes the call, and stays in it.
  void MakeCall() { CHECK(send(channel_->fd(), "!", 1, 0) == 1); }
  // Until it is gone.
  void Kill() {
    if (pid_ < 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  int pid() const { return pid_; }

  Fd listener;

 private:
  [[noreturn]] static void Live(int control) {
    if (control != 3) CHECK(dup2(control, 3) == 3);
    syscall(SYS_close_range, 4, ~0u, 0);
    prctl(PR_SET_NAME, "culprit\x01");
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_fprog program{4, filter};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    Fd listener(static_cast<int>(
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program)));
    CHECK(listener.valid());
    {
      Channel channel(Fd(fcntl(3, F_DUPFD_CLOEXEC, 4)), Channel::Waiting::kYes);
      proto::FromWorker message;
      message.mutable_sealed();
      CHECK(channel.Send(message, {listener.get()}).has_value());
    }
    listener.Close();
    char word;
    if (recv(3, &word, 1, 0) == 1) syscall(SYS_unshare, 0x10000000);
    _exit(0);
  }

  pid_t pid_ = -1;
  std::optional<Channel> channel_;
};

}  // namespace nightjar::testing
