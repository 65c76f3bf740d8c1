// Waiting for processes that are not this one's children, and starting those that are.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "ipc/core/fd.h"

namespace nightjar::testing {

inline constexpr uint32_t kSupervisorUid = 2'120'910'000;  // of a range that no account uses
inline constexpr int kPatienceMs = 20'000;

inline Fd PidfdOf(int pid) {
  return Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

// Whoever's child it is. False: it still lives after a long time.
inline bool WaitGone(const Fd& pidfd) {
  pollfd watched{pidfd.get(), POLLIN, 0};
  return poll(&watched, 1, kPatienceMs) == 1;
}

inline bool Lives(const Fd& pidfd) {
  pollfd watched{pidfd.get(), POLLIN, 0};
  return poll(&watched, 1, 0) == 0;
}

}  // namespace nightjar::testing
