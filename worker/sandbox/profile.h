// The system calls that an interpreter worker may make, compiled to a seccomp filter.
//
// An allow-list: everything else kills the process with SIGSYS, and a call of another architecture
// or the x32 ABI does as well. Compiled once in the zygote by libseccomp into a binary tree
// (installing it takes half the time of a linear one, docs/benchmarks.md); a worker only installs
// the result.
#pragma once

#include <linux/filter.h>

#include <vector>

#include "ipc/core/result.h"

namespace nightjar {

// The compiled filter of an interpreter worker.
Result<std::vector<sock_filter>> CompileInterpreterProfile();

// Installs it for good on this thread; no_new_privs must be set. Async-signal-safe. 0, or -1 with
// errno.
int InstallProfile(const std::vector<sock_filter>& filter);

}  // namespace nightjar
