// Watches one run against its limits and says once which was struck, and how late.
//
// Two clocks: a deadline for wall time (exact, an absolute timer) and looks at the cell for
// everything else. The next look is computed from what is left: a run cannot use its cpu limit up
// before that much time has passed on each processor, so an idle run is hardly ever looked at and a
// spinning one is looked at just in time; and a few times in a run's life for its history, never in
// one that is over soon. It decides by policies/kill_rules and kills nobody. Where the loop is too
// late for that, the guard has killed at the deadline, and this says so. Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "ipc/core/clock.h"
#include "policies/kill_rules.h"
#include "policies/limits.h"
#include "supervisor/cell/cell.h"
#include "supervisor/loop/loop.h"
#include "supervisor/watch/deadline_guard.h"
#include "supervisor/watch/usage_history.h"
#include "supervisor/watch/verdict.h"

namespace nightjar {

class Watchdog {
 public:
  // `cell`, `limits` and `guard` (null: there is none) outlive it. `at_start`: the cell's counters
  // when the run began. `struck` is called at most once and may stop, but not destroy, the
  // watchdog.
  Watchdog(Loop& loop, const Clock& clock, DeadlineGuard* guard, const Cell& cell,
           const policy::Limits& limits, const CellUsage& at_start, MonoTime started,
           std::function<void(KillCause)> struck);

  void Stop();
  // `limits` were made tighter: they hold from now on, at once where they are reached already.
  void LimitsTightened();
  // Why the guard killed, of a run that nothing was decided about: its death may be heard of before
  // the deadline is. nullopt: it did not.
  std::optional<KillCause> GuardsCause();
  // What the run has used so far.
  Result<CellUsage> UsedSoFar() const;
  // The same as the rules want it, with the time.
  policy::RunUsage Sample() const;
  // How long until the run can be asked to stop by itself at the earliest; Nanos::max() where it
  // never is.
  Nanos UntilSoftStop() const;
  // Whether the canvas's brake on memory held when the run was asked to stop, as far as its looks
  // tell: a program that obeys frees what it was waiting for, and the last sample shows no brake.
  bool BrakedBeforeSoftStop() const;
  // What its looks have seen of it.
  const UsageHistory& history() const { return history_; }
  // What the kernel had counted at the first of them; nullopt: there was none.
  struct FirstLook {
    Nanos at{0};
    CellEvents events;
  };
  const std::optional<FirstLook>& first_look() const { return first_look_; }

 private:
  void Look();
  Result<CellUsage> UsedIn(const Result<CellUsage>& sample) const;
  KillCause CauseFor(const policy::BrokenLimit& broken, MonoTime at) const;

  const Clock& clock_;
  DeadlineGuard* guard_;
  const Cell& cell_;
  const policy::Limits& limits_;
  CellUsage at_start_;
  MonoTime started_;
  std::optional<MonoTime> tightened_at_;  // before that its limits were not what they are
  unsigned processors_;                   // how many the run can keep busy at once
  std::function<void(KillCause)> struck_;
  UsageHistory history_;
  std::optional<FirstLook> first_look_;
  std::optional<Nanos> braked_at_;                // after its start; the last look that saw it
  std::unique_ptr<DeadlineGuard::Post> guarded_;  // null: nobody else watches
  std::optional<MonoTime> guard_killed_at_;       // once it is over
  Timer deadline_;
  Timer next_look_;
};

// What was used between two samples of one cell; levels and peaks are the later sample's.
CellUsage UsedBetween(const CellUsage& from, const CellUsage& to);

}  // namespace nightjar
