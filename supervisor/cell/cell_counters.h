// What a cell's processes have used since the cell was handed out: a handful of preads on files
// that stay open.
//
// kernfs answers a pread at offset 0 with fresh text each time. Counters only grow, so that an
// earlier user's share is a baseline that is subtracted; peaks are reset where the kernel can, and
// otherwise reported only as far as they are surely this user's. Of cpu time see cpu_meter.h. Loop
// thread only.
#pragma once

#include "ipc/core/fd.h"
#include "supervisor/cell/cell.h"
#include "supervisor/cell/cpu_meter.h"
#include "supervisor/cell/group.h"

namespace nightjar {

// The number after `key` at the start of a line ("oom_kill 3"); with an empty key, the number the
// text starts with. 0 where there is none.
uint64_t CounterIn(std::string_view text, std::string_view key);

// The same out of a file that stays open; an invalid `fd`: nothing is counted there.
Result<uint64_t> ReadCounter(const Fd& fd, std::string_view key);

// In v1 the peak tells whether a limit was met: memory.failcnt stays 0 on kernels as new as 6.18,
// also at the limit. The kernel charges in batches of up to 64 pages, so that the peak may stop
// that much below.
bool MeetsV1Limit(uint64_t peak_bytes, uint64_t limit_bytes);

class CellCounters {
 public:
  // Opens the files of a group that is new or was not used by this object before. Missing optional
  // files are fine.
  static Result<CellCounters> Open(const TreeFrame& frame, const GroupDirs& dirs);

  // The user changes: from here on, nothing is counted yet.
  Status Restart();
  // Kills at another limit than the group's own count as the host's; it takes the canvas to say
  // which were at the canvas's.
  Result<CellUsage> Read() const;
  // Of memory and pids: what of CellEvents is counted since the cell was handed out.
  CellEvents ReadEvents() const;

 private:
  struct Totals {
    uint64_t cpu_us = 0;
    uint64_t oom_kills = 0;
    uint64_t oom_events = 0;   // v2: times this very group was out of memory
    uint64_t memory_high = 0;  // v2
    uint64_t memory_max = 0;   // v2
    uint64_t pids_denied = 0;
  };
  // A peak the kernel keeps, and what may be said of it.
  struct Peak {
    uint64_t inherited = 0;  // the kernel's peak when the user changed: higher ones are this user's
    mutable uint64_t seen = 0;  // largest current value that was read
    uint64_t Of(uint64_t current, uint64_t kernel_peak) const;
  };

  Result<Totals> ReadTotals() const;
  // Whose limit it was that the kernel killed for.
  Result<bool> MetOwnLimit(const Totals& now, uint64_t memory_peak) const;

  bool memory_v1_ = false;
  CpuMeter cpu_;
  Fd memory_current_;
  Fd memory_peak_;
  Fd memory_events_;
  Fd memory_limit_;  // v1
  Fd pids_current_;
  Fd pids_peak_;
  Fd pids_events_;
  Totals baseline_;
  Peak memory_at_most_;
  Peak pids_at_most_;
};

}  // namespace nightjar
