// Limits as the control files of each cgroup version take them. Pure: values in, file names and
// texts out, in the order of writing.
#pragma once

#include <string>
#include <vector>

#include "supervisor/cell/cell.h"
#include "supervisor/cell/hierarchies.h"

namespace nightjar {

struct ControlSetting {
  std::string file;
  std::string value;
  bool operator==(const ControlSetting&) const = default;
};

enum class GroupLevel { kCanvas, kCell };
enum class SwapAccounting { kAbsent, kPresent };

// `before`: the limit in force until now, 0 for none. In v1 memory+swap may never be below memory,
// so that raising and lowering write the two files in opposite order. Swap is never granted: a cell
// at its limit dies instead of dragging the host into paging.
std::vector<ControlSetting> MemorySettings(ControllerHome home, GroupLevel level,
                                           SwapAccounting swap, uint64_t before, uint64_t bytes);
// Where the brake of a canvas with this limit begins to hold, in v2: memory.high.
uint64_t MemoryBrake(uint64_t limit_bytes);
std::vector<ControlSetting> PidsSettings(uint64_t pids);
// A group that has a burst gives it up (CpuBurst() of 0) before it gets another quota, which the
// kernel refuses below it.
std::vector<ControlSetting> CpuSettings(ControllerHome home, double cpus, uint64_t weight,
                                        uint64_t burst_us);
ControlSetting CpuBurst(ControllerHome home, uint64_t burst_us);
// What of a burst the kernel takes beside this quota: what it allows in one period.
uint64_t CpuBurstWithin(double cpus, uint64_t burst_us);
// The one setting of those that bounds cpu time, for lifting and restoring it. cpus 0: no bound.
ControlSetting CpuQuota(ControllerHome home, double cpus);
// What one disk gives a group in a second, at most; 0: no bound.
ControlSetting DiskRead(ControllerHome home, const Disk& disk, uint64_t bytes);

}  // namespace nightjar
