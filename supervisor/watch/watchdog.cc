#include "supervisor/watch/watchdog.h"

#include <algorithm>
#include <thread>

#include "ipc/core/check.h"

namespace nightjar {
namespace {

policy::RunUsage RuleUsage(Nanos wall, const Result<CellUsage>& used) {
  policy::RunUsage usage;
  usage.wall = wall;
  if (!used) return usage;
  usage.cpu = policy::Micros(used->cpu_us);
  usage.memory_peak_bytes = used->memory_peak_bytes;
  usage.oom_kills = used->oom_kills;
  usage.oom_kills_canvas = used->oom_kills_canvas;
  usage.canvas_workers = used->canvas_cells;
  usage.pids_denied = used->pids_denied;
  return usage;
}

}  // namespace

Watchdog::Watchdog(Loop& loop, const Clock& clock, DeadlineGuard* guard, const Cell& cell,
                   const policy::Limits& limits, const CellUsage& at_start, MonoTime started,
                   std::function<void(KillCause)> struck)
    : clock_(clock),
      guard_(guard),
      cell_(cell),
      limits_(limits),
      at_start_(at_start),
      started_(started),
      processors_(static_cast<unsigned>(std::min<uint64_t>(
          std::max(1u, std::thread::hardware_concurrency()), limits.pids.value))),
      struck_(std::move(struck)),
      history_(limits.wall.value),
      deadline_(loop, [this] { Look(); }),
      next_look_(loop, [this] { Look(); }) {
  MonoTime deadline = started_ + limits_.wall.value;
  deadline_.StartAt(deadline);
  if (guard_ != nullptr && cell_.kill_dir() >= 0) guarded_ = guard_->Watch(deadline, cell_);
  next_look_.StartAfter(std::min(policy::NextLookAfter(limits_, {}, processors_), history_.gap()));
}

void Watchdog::Stop() {
  deadline_.Stop();
  next_look_.Stop();
  if (guarded_) guard_killed_at_ = guarded_->killed_at();
  guarded_.reset();
}

void Watchdog::LimitsTightened() {
  MonoTime now = clock_.Mono();
  tightened_at_ = now;
  MonoTime deadline = std::max(started_ + limits_.wall.value, now);
  deadline_.StartAt(deadline);
  // What the guard has killed already it has to answer for.
  if (guarded_ && !guarded_->killed_at()) guarded_ = guard_->Watch(deadline, cell_);
  Look();
}

// Nobody could know of a limit before it was one.
KillCause Watchdog::CauseFor(const policy::BrokenLimit& broken, MonoTime at) const {
  KillCause cause = CauseOf(broken);
  if (tightened_at_)
    cause.overshoot = std::min(cause.overshoot, std::max(Nanos(0), at - *tightened_at_));
  return cause;
}

Result<CellUsage> Watchdog::UsedIn(const Result<CellUsage>& sample) const {
  if (!sample) return sample;
  return UsedBetween(at_start_, *sample);
}

Result<CellUsage> Watchdog::UsedSoFar() const {
  return UsedIn(cell_.ReadUsage());
}

policy::RunUsage Watchdog::Sample() const {
  Nanos wall = clock_.Mono() - started_;
  return RuleUsage(wall, UsedSoFar());
}

Nanos Watchdog::UntilSoftStop() const {
  return policy::SoftStopAfter(limits_, Sample(), processors_);
}

// Looks are so far apart, and twice that where this loop was late.
bool Watchdog::BrakedBeforeSoftStop() const {
  policy::Micros soft = policy::SoftLimitsOf(limits_).wall;
  return braked_at_ && soft > policy::Micros(0) && *braked_at_ + 2 * history_.gap() >= soft;
}

void Watchdog::Look() {
  MonoTime now = clock_.Mono();
  Nanos wall = now - started_;
  auto used = UsedIn(cell_.ReadEvidence());
  if (used) {
    history_.Add(wall, *used);
    if (used->canvas_braked) braked_at_ = wall;
  }
  policy::RunUsage usage = RuleUsage(wall, used);
  if (auto broken = policy::Broken(limits_, usage)) {
    Stop();
    KillCause cause = CauseFor(*broken, now);
    if (auto guards = GuardsCause()) cause = std::move(*guards);
    return struck_(std::move(cause));
  }
  if (!first_look_) first_look_ = FirstLook{wall, cell_.ReadEvents()};
  next_look_.StartAfter(
      std::min(policy::NextLookAfter(limits_, usage, processors_), history_.gap()));
}

std::optional<KillCause> Watchdog::GuardsCause() {
  Stop();
  if (!guard_killed_at_) return std::nullopt;
  // As it was then: the loop was away since.
  auto broken = policy::Broken(limits_, RuleUsage(*guard_killed_at_ - started_, UsedSoFar()));
  CHECK(broken.has_value());
  KillCause cause = CauseFor(*broken, *guard_killed_at_);
  cause.by_guard = true;
  return cause;
}

CellUsage UsedBetween(const CellUsage& from, const CellUsage& to) {
  CellUsage used = to;
  used.cpu_us -= std::min(from.cpu_us, to.cpu_us);
  used.oom_kills -= std::min(from.oom_kills, to.oom_kills);
  used.oom_kills_canvas -= std::min(from.oom_kills_canvas, to.oom_kills_canvas);
  used.oom_kills_host -= std::min(from.oom_kills_host, to.oom_kills_host);
  used.pids_denied -= std::min(from.pids_denied, to.pids_denied);
  return used;
}

}  // namespace nightjar
