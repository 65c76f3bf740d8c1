// What the kernel knows of a canvas's own memory limit: how often it was met, and whether its brake
// holds at this moment.
//
// It is what tells a run that was killed at the canvas's limit from one that was killed because the
// host was out of memory. v2 counts (memory.events.local); v1 keeps a peak alone, of which each
// look that finds it at the limit makes one count and a fresh peak. Loop thread only.
#pragma once

#include "supervisor/cell/group.h"

namespace nightjar {

class CanvasMemory {
 public:
  // Of the canvas's directories. Files that are not there (no memory controller) count nothing.
  CanvasMemory(const TreeFrame& frame, const GroupDirs& dirs);

  // Asks the kernel. `limit_bytes`: the limit in force, 0 for none.
  uint64_t TimesMet(uint64_t limit_bytes);
  // As the last TimesMet() said, without asking.
  uint64_t times_met() const { return times_met_; }
  // v2: whether the brake holds or did a moment ago, in the last two sweeps: above nine tenths of
  // the canvas's limit, processes that need more memory are made to wait.
  bool Braked(uint64_t limit_bytes) const;
  // The canvas's upkeep, once a second.
  void Sweep(uint64_t limit_bytes);
  // The limit is about to change: a peak below the old one says nothing of the new.
  void ForgetPeak();

 private:
  bool v1_ = false;
  Fd events_;   // v2
  Fd current_;  // v2
  Fd peak_;     // v1
  uint64_t times_met_ = 0;
  // How often the brake had taken hold, as of the last sweep and the one before.
  uint64_t brakes_ = 0, brakes_before_ = 0;
};

}  // namespace nightjar
