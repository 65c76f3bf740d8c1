// A canvas's group: its limits, its emptied cells that wait for the next run, and the cells nobody
// holds any more.
//
// Shared by the tree and by the cells below it, so that a cell that is dropped late still has a
// place to leave its directory. Loop thread only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "supervisor/cell/canvas_memory.h"
#include "supervisor/cell/cpu_meter.h"
#include "supervisor/cell/group.h"

namespace nightjar {

class KernelCell;

class CanvasGroup {
 public:
  // `frame` outlives it.
  CanvasGroup(const TreeFrame& frame, Group group);
  ~CanvasGroup();

  const Group& group() const { return group_; }
  const TreeFrame& frame() const { return frame_; }
  // Changes what differs. While a throttle is lifted, the new one waits for its restoring.
  Status SetLimits(const CanvasLimits& limits);

  // The cpu quota, and the limit on disk reads, are off from the first Lift to the matching last
  // Restore.
  Status LiftCpuQuota();
  void RestoreCpuQuota();
  Status LiftDiskLimit();
  void RestoreDiskLimit();

  void Keep(std::unique_ptr<KernelCell> cell) { idle_.push_back(std::move(cell)); }
  std::unique_ptr<KernelCell> TakeIdle();  // the one used last, whose memory is warm; null: none
  // A cell was destroyed and its group is still there.
  void Abandon(std::string name) { abandoned_.push_back(std::move(name)); }

  void CountOut() {
    ++out_;
    unused_sweeps_ = 0;
  }
  void CountBack() { --out_; }
  size_t out() const { return out_; }

  // How often the kernel found the memory limit met: asked now, or as of the last sweep.
  uint64_t TimesMetMemory() { return memory_.TimesMet(limits_.memory_bytes); }
  uint64_t times_met_memory() const { return memory_.times_met(); }
  bool Braked() const { return memory_.Braked(limits_.memory_bytes); }

  // The processor time that was used since the last call, in microseconds. Before the first one:
  // since the group was made, or found.
  uint64_t TakeCpu();

  // Of a cell in which nobody is. An error with sys EBUSY when somebody is, or when it takes
  // another sweep to give its memory back first.
  Status RemoveCell(const std::string& name);

  // Removes what is superfluous, at most `budget` groups; lowers it by what it removed.
  void Sweep(size_t& budget);
  // Empty of cells for so long that the group itself can go.
  bool Expired() const;
  void DropIdle();

 private:
  const TreeFrame& frame_;
  Group group_;
  CanvasLimits limits_;
  CanvasMemory memory_;
  CpuMeter cpu_;
  uint64_t cpu_taken_us_ = 0;  // the meter's reading then
  std::vector<std::unique_ptr<KernelCell>> idle_;
  std::vector<std::string> abandoned_;
  size_t out_ = 0;         // cells that workers hold
  size_t least_idle_ = 0;  // fewest idle cells in the present period: so many were not needed
  size_t unneeded_ = 0;    // of the last period, still to be removed
  unsigned period_sweeps_ = 0;
  unsigned unused_sweeps_ = 0;
  unsigned lifted_ = 0;
  unsigned disk_lifted_ = 0;
};

}  // namespace nightjar
