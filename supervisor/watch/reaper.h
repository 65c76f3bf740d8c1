// One way to die: the last hour of one worker process, whoever wants it gone and also when it goes
// by itself.
//
// Kill() lifts the cpu throttle (44 ms became 0.2 ms, see docs/benchmarks.md), sends SIGKILL to the
// whole cell, then waits for two facts: the process was reaped, and the cell is empty. Both are
// bounded by bounds::kExitWait; what does not end by then is quarantined: its uid and cell are not
// used again. Well before that the disk throttle is lifted as well, since a read that waits for it
// may take no signal. A natural exit enters here too, through ChildExited(), and the rest of the
// cell is killed.
//
// Owned by a Worker, loop thread only. `gone` is called once, last; the owner may destroy the
// reaper inside it, or later: after it the cell is not touched any more.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "ipc/core/clock.h"
#include "supervisor/cell/cell.h"
#include "supervisor/loop/loop.h"
#include "supervisor/proc/zygote_client.h"

namespace nightjar {

struct Death {
  WaitStatus exit;
  CellUsage usage;      // the last sample before the kill, or after a natural exit
  bool killed = false;  // by us
  bool quarantined = false;
  MonoTime signalled_at{};  // killed only
  Nanos signal_to_exit{0};
  Nanos signal_to_empty{0};
};

class Reaper {
 public:
  // `cell` outlives the reaper.
  Reaper(Loop& loop, const Clock& clock, Cell& cell, std::function<void(Death)> gone);
  ~Reaper();

  // Idempotent: the first call counts. kFrozen stops the cell before the last sample, so that usage
  // and what the ring holds agree.
  enum class Sample { kRunning, kFrozen };
  void Kill(Sample sample);
  // For a process that appeared in the cell after the kill.
  void KillAgain();
  // The fact that the process was reaped. Once.
  void ChildExited(WaitStatus status);
  // No process was made after all: nothing is waited for, and `gone` will not be called.
  void NeverBorn();
  bool dying() const { return killed_ || exited_; }

 private:
  bool finished() const { return gone_ == nullptr; }
  void WaitForDeath();
  void WatchForEmpty();
  void Look();
  void Finish(bool quarantined);

  Loop& loop_;
  const Clock& clock_;
  Cell& cell_;
  std::function<void(Death)> gone_;
  Death death_;
  bool killed_ = false;
  bool exited_ = false;
  std::unique_ptr<FdWatch> emptied_;  // cgroup.events
  Timer patience_;
  Timer slow_;   // the disk's throttle may be what holds it up
  Timer retry_;  // only for cells that cannot tell when they become empty
};

}  // namespace nightjar
