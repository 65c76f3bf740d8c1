#include "supervisor/watch/usage_history.h"

#include <algorithm>

#include "ipc/core/bounds.h"

namespace nightjar {

// Half as many as there is room for, and as many again from the watchdog's other looks.
UsageHistory::UsageHistory(Nanos wall)
    : gap_(std::max<Nanos>(bounds::kUsageSampleGap, wall / (bounds::kUsageSamples / 2))) {}

void UsageHistory::Add(Nanos at, const CellUsage& used) {
  if (!samples_.empty() && at - samples_.back().at < gap_ / 2) return;
  Keep(at, used);
}

void UsageHistory::End(Nanos at, const CellUsage& used) {
  Keep(at, used);
}

void UsageHistory::Keep(Nanos at, const CellUsage& used) {
  if (samples_.size() == bounds::kUsageSamples) {
    size_t kept = 0;
    for (size_t i = 0; i < samples_.size(); i += 2) samples_[kept++] = samples_[i];
    samples_.resize(kept);
    gap_ *= 2;
  }
  samples_.push_back({at, used.cpu_us, used.memory_bytes, used.pids});
}

}  // namespace nightjar
