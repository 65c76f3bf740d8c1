// One group of the tree, seen in every hierarchy that the tree uses: held directories, and how to
// make, limit and remove it.
//
// The directories are opened once, below the parent's held directories; after that a path is only
// used by libcgroup for making and setting. Making and removing leave nothing half done where the
// kernel lets them. Loop thread only.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "ipc/core/fd.h"
#include "supervisor/cell/cell.h"
#include "supervisor/cell/control_settings.h"
#include "supervisor/cell/hierarchies.h"

namespace nightjar {

// What all groups of one tree share.
struct TreeFrame {
  Hierarchies hierarchies;
  SwapAccounting swap = SwapAccounting::kAbsent;
  // The top group's path below each mount point, "system.slice/nightjar.service/nightjar" or just
  // "nightjar".
  std::string unified_top;
  std::string memory_top;
  std::string pids_top;
  std::string cpu_top;
  std::string io_top;
  std::string cpuacct_top;
  std::string freezer_top;
  // Those whose reads the kernel limits; none: nothing is said of disks to anybody.
  std::vector<Disk> disks;
};

// The directories of one group. A controller whose home is the unified tree has no directory of its
// own.
struct GroupDirs {
  Fd unified;
  Fd memory_v1;
  Fd pids_v1;
  Fd cpu_v1;    // canvases only: a run gets its share of the cpu as a process of its canvas
  Fd blkio_v1;  // canvases only, for the same reason
  Fd cpuacct_v1;
  Fd freezer_v1;

  int memory() const { return memory_v1.valid() ? memory_v1.get() : unified.get(); }
  int pids() const { return pids_v1.valid() ? pids_v1.get() : unified.get(); }
  int cpu() const { return cpu_v1.valid() ? cpu_v1.get() : unified.get(); }
  int io() const { return blkio_v1.valid() ? blkio_v1.get() : unified.get(); }
  // On hosts with v1 alone: where the group's processes are listed.
  int members_v1() const { return pids_v1.valid() ? pids_v1.get() : memory_v1.get(); }
  // Every hierarchy's, some of them not there.
  std::array<const Fd*, 7> all() const {
    return {&unified, &memory_v1, &pids_v1, &cpu_v1, &blkio_v1, &cpuacct_v1, &freezer_v1};
  }
};

class Group {
 public:
  // `path` is below the top group: "canvas-demo" or "canvas-demo/cell-3"; the last part is made
  // below `parent`'s directories.
  static Result<Group> MakeCanvas(const TreeFrame& frame, const GroupDirs& parent,
                                  const std::string& path, const CanvasLimits& limits);
  static Result<Group> MakeCell(const TreeFrame& frame, const GroupDirs& parent,
                                const std::string& path, const CellLimits& limits);

  const std::string& path() const { return path_; }
  const GroupDirs& dirs() const { return dirs_; }

  // Set only what differs from what is in force. `frame` is the tree's, as at the making.
  Status SetCanvas(const TreeFrame& frame, const CanvasLimits& limits);
  Status SetCell(const TreeFrame& frame, const CellLimits& limits);
  // Those of a canvas's limits that are lifted and restored; 0: no bound.
  Status SetCpuQuota(const TreeFrame& frame, double cpus);
  Status SetDiskRead(const TreeFrame& frame, uint64_t bytes);

 private:
  Group(std::string path, GroupDirs dirs, const CanvasLimits& in_force)
      : path_(std::move(path)), dirs_(std::move(dirs)), in_force_(in_force) {}

  Status SetMemoryAndPids(const TreeFrame& frame, GroupLevel level, uint64_t memory_bytes,
                          uint64_t pids);
  Status SetCpu(const TreeFrame& frame, const CanvasLimits& limits);

  std::string path_;
  GroupDirs dirs_;
  CanvasLimits in_force_;  // a cell uses memory_bytes and pids of it
};

// Removes the directory `name` below each of parent's directories. A directory that is not there is
// fine; one that is busy is an error with sys EBUSY, and the others are removed all the same.
Status RemoveGroup(const GroupDirs& parent, const std::string& name);

}  // namespace nightjar
