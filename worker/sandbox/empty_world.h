// What a zygote prepares once so that every worker inherits it for free: an empty network, an empty
// root, and just three capabilities.
//
// A new network namespace a worker would cost 0.3 ms and tails of 5 ms (docs/benchmarks.md); one
// that holds nothing can be shared, because nothing in it can be changed or reached without
// privileges that workers do not have. Single-threaded; as root; once.
#pragma once

#include <cstdint>

#include "ipc/core/result.h"

namespace nightjar {

// Every signal as the kernel has it, but none let through: a terminal's Ctrl-C and a service
// manager's SIGTERM are for the supervisor. No environment.
Status ForgetSurroundings();

// New network, mount, ipc and uts namespaces; the root becomes an empty, read-only file system.
Status EnterEmptyWorld();

// From root to uid = gid = `uid` with CAP_SYS_ADMIN, CAP_SETUID and CAP_SETGID and nothing else:
// an empty bounding set, no_new_privs, not dumpable, no keys.
Status KeepThreeCapabilities(uint32_t uid);

}  // namespace nightjar
