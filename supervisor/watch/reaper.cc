#include "supervisor/watch/reaper.h"

#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "ipc/core/log.h"

namespace nightjar {
namespace {

constexpr Nanos kEmptyRetry = std::chrono::milliseconds(1);

void LogFailure(const Status& status, const char* step, const Cell& cell) {
  if (status) return;
  LogWarning("kill_step_failed",
             {{"cell", cell.name()}, {"step", step}, {"error", status.error().ToString()}});
}

}  // namespace

Reaper::Reaper(Loop& loop, const Clock& clock, Cell& cell, std::function<void(Death)> gone)
    : loop_(loop),
      clock_(clock),
      cell_(cell),
      gone_(std::move(gone)),
      patience_(loop, [this] { Finish(/*quarantined=*/true); }),
      slow_(loop, [this] { LogFailure(cell_.LiftDiskThrottle(), "lift_disk_throttle", cell_); }),
      retry_(loop, [this] { Look(); }) {}

Reaper::~Reaper() = default;

void Reaper::Kill(Sample sample) {
  if (dying() || finished()) return;
  killed_ = true;
  death_.killed = true;
  LogFailure(cell_.LiftCpuThrottle(), "lift_cpu_throttle", cell_);
  if (sample == Sample::kFrozen) LogFailure(cell_.Freeze(), "freeze", cell_);
  // Only what was stopped for a reason is to be explained.
  auto usage = sample == Sample::kFrozen ? cell_.ReadEvidence() : cell_.ReadUsage();
  if (usage) death_.usage = *usage;
  death_.signalled_at = clock_.Mono();
  // A frozen cgroup v2 dies of SIGKILL without a thaw (cgroup.freeze in the kernel's admin guide).
  LogFailure(cell_.Kill(), "kill", cell_);
  WaitForDeath();
}

void Reaper::WaitForDeath() {
  patience_.StartAfter(bounds::kExitWait);
  slow_.StartAfter(bounds::kDiskThrottleWait);
}

void Reaper::KillAgain() {
  if (finished()) return;
  LogFailure(cell_.Kill(), "kill", cell_);
}

void Reaper::ChildExited(WaitStatus status) {
  CHECK(!exited_);
  exited_ = true;
  // It was given up a moment ago, in the same turn of the loop: the cell is not its any more.
  if (finished()) return;
  death_.exit = status;
  if (killed_) {
    death_.signal_to_exit = clock_.Mono() - death_.signalled_at;
  } else {
    // Counters of a cell stay readable after its processes are gone, until it is removed.
    if (auto usage = cell_.ReadUsage()) death_.usage = *usage;
    WaitForDeath();
  }
  auto empty = cell_.Empty();
  if (empty && *empty) return Finish(/*quarantined=*/false);
  // The worker is pid 1 of its namespace, so the kernel is already ending what it left behind; this
  // makes it certain and fast.
  if (!killed_) LogFailure(cell_.Kill(), "kill", cell_);
  WatchForEmpty();
}

void Reaper::NeverBorn() {
  gone_ = nullptr;
  patience_.Stop();
  slow_.Stop();
}

void Reaper::WatchForEmpty() {
  if (cell_.events_fd() >= 0) {
    emptied_ = std::make_unique<FdWatch>(loop_, cell_.events_fd(), [this](unsigned) { Look(); });
    emptied_->Start(FdWatch::kPriority);
  }
  // Asked again after the watch stands: it may have become empty in between.
  Look();
}

void Reaper::Look() {
  auto empty = cell_.Empty();
  if (empty && *empty) return Finish(/*quarantined=*/false);
  if (!emptied_) retry_.StartAfter(kEmptyRetry);
}

void Reaper::Finish(bool quarantined) {
  patience_.Stop();
  slow_.Stop();
  retry_.Stop();
  emptied_.reset();
  death_.quarantined = quarantined;
  if (killed_) death_.signal_to_empty = clock_.Mono() - death_.signalled_at;
  if (quarantined) LogError("worker_quarantined", {{"cell", cell_.name()}, {"reaped", exited_}});
  std::exchange(gone_, nullptr)(death_);
}

}  // namespace nightjar
