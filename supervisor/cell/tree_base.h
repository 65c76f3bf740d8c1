// Where this process may make its top group: the root of each hierarchy, or a group that was
// delegated to it.
//
// Root has the roots, unless systemd delegated the supervisor's own unit (the xattr user.delegate
// or trusted.delegate on its group). Everyone else has only what is theirs to write: their own
// group, where it was given to them, and nothing in the other hierarchies. Asks, makes nothing. Any
// thread.
#pragma once

#include <string>

#include "ipc/core/result.h"
#include "supervisor/cell/hierarchies.h"

namespace nightjar {

// Paths are below the mount points; "" is the root.
struct TreeBase {
  Hierarchies hierarchies;  // without what is not this process's to use; `unified_mount` too
  std::string unified;
  std::string memory;
  std::string pids;
  std::string cpu;
  std::string io;
  std::string cpuacct;
  std::string freezer;

  // In the hierarchy that tells who is in a group: the unified tree, else one of v1.
  const std::string& members() const;
  // The same with its mount point: where a group can be made. "" where there is no hierarchy.
  std::string GroupDirectory() const;
};

Result<TreeBase> FindTreeBase();

// A group of systemd's that its processes were moved from, out of the way of controllers:
// "unit/supervisor" is "unit".
inline constexpr char kLeaf[] = "/supervisor";

// "/a/b" as "a/b"; the root, or a group outside this cgroup namespace, as "".
std::string RelativeGroup(std::string_view path);

}  // namespace nightjar
