#include "policies/denied_calls.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "ipc/core/syscall_name.h"
#include "policies/policy_errors.h"

namespace nightjar::policy {
namespace {

// Found by taking one call after the other from /bin/true, from /bin/cat with a body, and from a
// shell that is stopped softly.
constexpr std::string_view kNeeded[] = {"access",
                                        "arch_prctl",
                                        "brk",
                                        "chdir",
                                        "clock_gettime",
                                        "clone",
                                        "close",
                                        "close_range",
                                        "dup2",
                                        "execve",
                                        "exit_group",
                                        "fcntl",
                                        "kill",
                                        "lseek",
                                        "madvise",
                                        "memfd_create",
                                        "mmap",
                                        "mprotect",
                                        "munmap",
                                        "newfstatat",
                                        "openat",
                                        "pidfd_open",
                                        "pipe2",
                                        "poll",
                                        "pread64",
                                        "prlimit64",
                                        "read",
                                        "recvmsg",
                                        "rseq",
                                        "rt_sigaction",
                                        "rt_sigprocmask",
                                        "rt_sigreturn",
                                        "sendmsg",
                                        "set_robust_list",
                                        "set_tid_address",
                                        "setitimer",
                                        "setsid",
                                        "signalfd4",
                                        "wait4",
                                        "waitid",
                                        "write"};

}  // namespace

std::string WhyNotDenied(const std::string& call) {
  if (!SyscallNumber(call)) {
    static const std::vector<std::string> names = SyscallNames();
    const std::vector<std::string_view> words(names.begin(), names.end());
    return "unknown system call " + Quoted(call) + Suggestion(call, words);
  }
  if (std::find(std::begin(kNeeded), std::end(kNeeded), call) == std::end(kNeeded)) return "";
  return Quoted(call) + " is needed to start and end a program at all";
}

}  // namespace nightjar::policy
