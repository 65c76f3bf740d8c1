#include "supervisor/cell/canvas_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include "supervisor/cell/cell_counters.h"
#include "supervisor/cell/control_settings.h"

namespace nightjar {

CanvasMemory::CanvasMemory(const TreeFrame& frame, const GroupDirs& dirs)
    : v1_(frame.hierarchies.memory.home == ControllerHome::kV1) {
  auto open_if_there = [&](const char* name, int flags) {
    return Fd(openat(dirs.memory(), name, flags | O_CLOEXEC | O_NOFOLLOW));
  };
  if (v1_) {
    peak_ = open_if_there("memory.max_usage_in_bytes", O_RDWR);
  } else if (frame.hierarchies.memory.home == ControllerHome::kUnified) {
    events_ = open_if_there("memory.events.local", O_RDONLY);
    current_ = open_if_there("memory.current", O_RDONLY);
  }
}

uint64_t CanvasMemory::TimesMet(uint64_t limit_bytes) {
  if (!v1_) return times_met_ = ReadCounter(events_, "oom").value_or(times_met_);
  if (limit_bytes == 0 || !MeetsV1Limit(ReadCounter(peak_, "").value_or(0), limit_bytes))
    return times_met_;
  ForgetPeak();
  return ++times_met_;
}

bool CanvasMemory::Braked(uint64_t limit_bytes) const {
  if (v1_ || limit_bytes == 0) return false;
  return ReadCounter(current_, "").value_or(0) >= MemoryBrake(limit_bytes) ||
         ReadCounter(events_, "high").value_or(0) > brakes_before_;
}

void CanvasMemory::Sweep(uint64_t limit_bytes) {
  (void)TimesMet(limit_bytes);
  brakes_before_ = brakes_;
  brakes_ = ReadCounter(events_, "high").value_or(brakes_);
}

void CanvasMemory::ForgetPeak() {
  if (peak_.valid()) (void)!pwrite(peak_.get(), "0", 1, 0);
}

}  // namespace nightjar
