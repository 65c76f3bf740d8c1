#include "worker/sandbox/new_root.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace nightjar {

Status MountNewRoot(unsigned long flags, const char* options) {
  if (unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) != 0)
    return FailErrno("making new namespaces");
  // Nothing that happens to mounts here may be seen outside.
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return FailErrno("making mounts private");
  if (mount("nightjar", kNewRoot, "tmpfs", flags, options) != 0)
    return FailErrno("mounting a new root");
  return {};
}

Status BecomeNewRoot(unsigned long flags) {
  if (chdir(kNewRoot) != 0) return FailErrno("entering the new root");
  // Both names at one place: the old root is stacked below and then taken away (pivot_root(2),
  // NOTES).
  if (syscall(SYS_pivot_root, ".", ".") != 0) return FailErrno("pivot_root");
  if (umount2(".", MNT_DETACH) != 0) return FailErrno("detaching the old root");
  if (mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, nullptr) != 0)
    return FailErrno("making the new root read-only");
  if (chdir("/") != 0) return FailErrno("chdir");
  if (sethostname("nightjar", 8) != 0) return FailErrno("sethostname");
  return {};
}

}  // namespace nightjar
