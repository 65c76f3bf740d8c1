// clone3(2): Debian 12's C library has no wrapper for it, its sched.h misses the newest flags, and
// linux/sched.h cannot be included beside sched.h.
//
// Only for processes with one thread, and without the C library's fork handlers: what the child
// may do is the caller's to know.
#pragma once

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace nightjar {

// struct clone_args of linux/sched.h.
struct CloneArguments {
  uint64_t flags = 0;
  uint64_t pidfd = 0;  // the address of an int, with CLONE_PIDFD; close-on-exec
  uint64_t child_tid = 0;
  uint64_t parent_tid = 0;
  uint64_t exit_signal = 0;  // must be 0 with CLONE_PARENT: the child's is then the caller's own
  uint64_t stack = 0;        // 0: a copy of the caller's, as fork()
  uint64_t stack_size = 0;
  uint64_t tls = 0;
  uint64_t set_tid = 0;
  uint64_t set_tid_size = 0;
  uint64_t cgroup = 0;  // a directory's descriptor, with kCloneIntoCgroup
};

inline constexpr uint64_t kCloneClearSighand = 0x100000000;  // CLONE_CLEAR_SIGHAND
inline constexpr uint64_t kCloneIntoCgroup = 0x200000000;    // CLONE_INTO_CGROUP

// 0 in the child, the child's number in the caller's pid namespace, or -1 with errno.
inline long Clone3(const CloneArguments& arguments) {
  return syscall(SYS_clone3, &arguments, sizeof arguments);
}

}  // namespace nightjar
