#include "worker/sandbox/own_clocks.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "ipc/core/fd.h"

namespace nightjar {
namespace {

struct Made {
  int clocks = -1;  // the time namespace
  const char* step = nullptr;
  int error = 0;
};

bool SetBack(clockid_t clock, const char* name) {
  timespec now;
  if (clock_gettime(clock, &now) != 0) return false;
  char text[64];
  // Whole seconds, rounded down: a clock may not be before its zero.
  snprintf(text, sizeof text, "%s -%lld 0\n", name, static_cast<long long>(now.tv_sec));
  return WriteFileAt(AT_FDCWD, "/proc/self/timens_offsets", text).has_value();
}

// The life of a process that shares memory and descriptors with the zygote, which waits. In a user
// namespace of its own it may set the clocks of the time namespace that belongs to it.
int MakeClocks(void* at) {
  Made& made = *static_cast<Made*>(at);
  auto fail = [&](const char* step) {
    made.step = step;
    made.error = errno;
    return 1;
  };
  if (unshare(CLONE_NEWUSER | CLONE_NEWTIME) != 0) return fail("making a time namespace");
  if (!SetBack(CLOCK_MONOTONIC, "monotonic") || !SetBack(CLOCK_BOOTTIME, "boottime"))
    return fail("setting its clocks");
  made.clocks = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
  return made.clocks < 0 ? fail("opening it") : 0;
}

}  // namespace

Status StartClocksAnew() {
  alignas(16) std::array<char, 64 * 1024> stack;
  Made made;
  pid_t child = clone(MakeClocks, stack.data() + stack.size(),
                      CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, &made);
  if (child < 0) return FailErrno("starting what makes a time namespace");
  Fd clocks(made.clocks);
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (made.step != nullptr) return FailErrno(made.step, made.error);
  if (setns(clocks.get(), CLONE_NEWTIME) != 0) return FailErrno("entering the time namespace");
  return {};
}

}  // namespace nightjar
