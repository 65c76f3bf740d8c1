#include "supervisor/cell/canvas_group.h"

#include <algorithm>
#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "ipc/core/log.h"
#include "supervisor/cell/give_back.h"
#include "supervisor/cell/kernel_cell.h"

namespace nightjar {

CanvasGroup::CanvasGroup(const TreeFrame& frame, Group group)
    : frame_(frame), group_(std::move(group)), memory_(frame, group_.dirs()) {
  auto cpu = CpuMeter::Open(group_.dirs());
  if (cpu) cpu_ = std::move(*cpu);
  auto before = cpu_.ReadMicros();
  if (before) cpu_taken_us_ = *before;
  if (!cpu || !before)
    LogError(
        "canvas_cpu_not_counted",
        {{"group", group_.path()}, {"error", (cpu ? before.error() : cpu.error()).ToString()}});
}

// Idle cells point back at this group, so that DropIdle() comes before the last pointer to it is
// let go.
CanvasGroup::~CanvasGroup() {
  CHECK(idle_.empty());
}

Status CanvasGroup::SetLimits(const CanvasLimits& limits) {
  CanvasLimits now = limits;
  // As much of it as fits the quota that comes back, too, where that is lifted now.
  now.cpu_burst_us = CpuBurstWithin(limits.cpus, limits.cpu_burst_us);
  if (lifted_ > 0) now.cpus = 0;
  if (disk_lifted_ > 0) now.disk_read_bytes = 0;
  if (limits.memory_bytes != limits_.memory_bytes) {
    (void)TimesMetMemory();  // of the limit that it still has
    memory_.ForgetPeak();
  }
  NJ_TRY(group_.SetCanvas(frame_, now));
  limits_ = limits;
  return {};
}

Status CanvasGroup::LiftCpuQuota() {
  if (lifted_++ > 0) return {};
  return group_.SetCpuQuota(frame_, 0);
}

void CanvasGroup::RestoreCpuQuota() {
  CHECK(lifted_ > 0);
  if (--lifted_ > 0) return;
  if (Status set = group_.SetCpuQuota(frame_, limits_.cpus); !set)
    LogError("cpu_quota_not_restored",
             {{"group", group_.path()}, {"error", set.error().ToString()}});
}

Status CanvasGroup::LiftDiskLimit() {
  if (disk_lifted_++ > 0) return {};
  return group_.SetDiskRead(frame_, 0);
}

void CanvasGroup::RestoreDiskLimit() {
  CHECK(disk_lifted_ > 0);
  if (--disk_lifted_ > 0) return;
  if (Status set = group_.SetDiskRead(frame_, limits_.disk_read_bytes); !set)
    LogError("disk_limit_not_restored",
             {{"group", group_.path()}, {"error", set.error().ToString()}});
}

uint64_t CanvasGroup::TakeCpu() {
  auto now = cpu_.ReadMicros();
  // What cannot be read now is in the next reading.
  if (!now || *now < cpu_taken_us_) return 0;
  return *now - std::exchange(cpu_taken_us_, *now);
}

std::unique_ptr<KernelCell> CanvasGroup::TakeIdle() {
  if (idle_.empty()) return nullptr;
  auto cell = std::move(idle_.back());
  idle_.pop_back();
  least_idle_ = std::min(least_idle_, idle_.size());
  return cell;
}

Status CanvasGroup::RemoveCell(const std::string& name) {
  if (!GiveBackMemory(group_.dirs().memory(), name, bounds::kCellGiveBackBytes))
    return FailErrno("giving the memory of a cell back", EBUSY);
  return RemoveGroup(group_.dirs(), name);
}

void CanvasGroup::Sweep(size_t& budget) {
  std::erase_if(abandoned_, [&](const std::string& name) {
    if (budget == 0) return false;
    --budget;
    return RemoveCell(name).has_value();
  });
  memory_.Sweep(limits_.memory_bytes);
  if (out_ == 0) ++unused_sweeps_;
  if (++period_sweeps_ >= bounds::kCellIdleSweeps) {
    period_sweeps_ = 0;
    unneeded_ = least_idle_;
    least_idle_ = idle_.size();
  }
  size_t beyond = idle_.size() - std::min(idle_.size(), bounds::kCellIdlePerCanvas);
  // Those used longest ago are in front.
  size_t wanted = std::min(idle_.size(), std::max(beyond, unneeded_));
  size_t removed = 0;
  for (; removed < wanted && budget > 0; ++removed, --budget)
    if (!idle_[removed]->Remove()) break;
  idle_.erase(idle_.begin(), idle_.begin() + static_cast<ptrdiff_t>(removed));
  unneeded_ -= std::min(unneeded_, removed);
  least_idle_ = std::min(least_idle_, idle_.size());
}

bool CanvasGroup::Expired() const {
  return out_ == 0 && idle_.empty() && abandoned_.empty() &&
         unused_sweeps_ >= bounds::kCellIdleSweeps;
}

void CanvasGroup::DropIdle() {
  auto dropped = std::exchange(idle_, {});
}

}  // namespace nightjar
