// The system calls that a worker may make, compiled to a seccomp filter and put on.
//
// An allow-list: a call that no rule is for is denied, and a call of another architecture or of the
// x32 ABI kills the process. Compiled once in the zygote by libseccomp into a binary tree
// (installing it takes half the time of a linear one, docs/benchmarks.md); a worker only installs
// the result. Which rules is the caller's choice (builtin_profiles.h).
#pragma once

#include <linux/filter.h>

#include <vector>

#include "ipc/core/result.h"
#include "ipc/core/seccomp_rules.h"

namespace nightjar {

// What becomes of a denied call.
enum class OnDenial {
  // The thread stays in it, and whoever holds the filter's listener is told. Nobody holds it any
  // more: it fails with ENOSYS.
  kNotify,
  kKill,  // the process ends by SIGSYS, and nobody can say which call it was
};

// kNotify, but where there is no user notification: on a kernel before 5.0, and in a container
// whose manager has taken it. Forks, and waits for that child; before other threads are there.
OnDenial OnDenialHere();

struct Profile {
  std::vector<sock_filter> filter;
  OnDenial on_denial = OnDenial::kKill;
};

Result<Profile> CompileProfile(const SeccompRules& rules, OnDenial on_denial);

// Installs it for good on this thread; no_new_privs must be set. Async-signal-safe. The listener's
// descriptor (close-on-exec, the lowest that is free) with kNotify, else 0; -1 with errno.
int InstallProfile(const Profile& profile);

}  // namespace nightjar
