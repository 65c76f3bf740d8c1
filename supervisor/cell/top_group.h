// Root's part of the tree: finds the place, makes and locks the top group in every hierarchy,
// clears what is below, and gives it away.
//
// The place is the root of each hierarchy, or, where systemd has delegated the supervisor's own
// unit to it (the xattr user.delegate or trusted.delegate on its group), below that unit. In a pure
// v2 tree a group with controllers for its children may hold no process, so that the unit's
// processes are first moved to the leaf <unit>/supervisor. With v1 alone the place is the root.
// Called once, as root, before the loop runs.
#pragma once

#include "supervisor/cell/cell.h"
#include "supervisor/cell/group.h"

namespace nightjar {

struct TopGroup {
  TreeFrame frame;
  GroupDirs dirs;
  // Below the mount point of the unified tree, or else of the v1 hierarchy that lists processes.
  std::string path;
  Fd lock;     // flock on that directory, for the life of the tree
  Fd helpers;  // <top>/helpers in the unified tree; with v1 alone there is none
};

Result<TopGroup> OpenTopGroup(const CellTree::Options& options);

}  // namespace nightjar
