// Moving the calling process to namespaces and a root of its own: what the two worlds
// (empty_world.h, programs_world.h) have in common. As root; single-threaded; once.
#pragma once

#include "ipc/core/result.h"

namespace nightjar {

// Where a new root is while it is being furnished.
constexpr const char* kNewRoot = "/tmp";

// New network, mount, ipc and uts namespaces, and over kNewRoot an empty tmpfs. `flags`: MS_*;
// `options`: of tmpfs(5).
Status MountNewRoot(unsigned long flags, const char* options);

// Makes it "/", read-only, with the same flags; nothing of the old root stays within reach.
Status BecomeNewRoot(unsigned long flags);

}  // namespace nightjar
