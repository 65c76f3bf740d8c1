// A host with v1 control groups alone, out of one that has the unified tree beside them: a mount
// namespace of the caller's own in which that tree is not mounted.
#pragma once

#include <sched.h>
#include <sys/mount.h>

#include "supervisor/cell/hierarchies.h"

namespace nightjar {

// For a process with one thread, as root. False, with errno, where it cannot be had.
inline bool LeaveV1Alone(const std::string& unified_mount) {
  return unshare(CLONE_NEWNS) == 0 &&
         mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         umount2(unified_mount.c_str(), MNT_DETACH) == 0;
}

}  // namespace nightjar
