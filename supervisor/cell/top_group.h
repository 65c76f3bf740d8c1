// Root's part of the tree: makes and locks the top group in every hierarchy, below the tree's base
// (tree_base.h), clears what is below, and gives it away.
//
// In a pure v2 tree a group with controllers for its children may hold no process, so that a
// delegated unit's processes are first moved to the leaf <unit>/supervisor. Called once, as root of
// the host or of a user namespace, before the loop runs.
#pragma once

#include "supervisor/cell/cell.h"
#include "supervisor/cell/group.h"
#include "supervisor/cell/tree_base.h"

namespace nightjar {

struct TopGroup {
  TreeFrame frame;
  GroupDirs dirs;
  // Below the mount point of the unified tree, or else of the v1 hierarchy that lists processes.
  std::string path;
  Fd lock;     // flock on that directory, for the life of the tree
  Fd helpers;  // <top>/helpers in the unified tree; with v1 alone there is none
};

// `base`: not one without any hierarchy.
Result<TopGroup> OpenTopGroup(const CellTree::Options& options, const TreeBase& base);

}  // namespace nightjar
