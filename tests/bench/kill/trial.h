// Kills by the product's own rooms: a cell of the kernel's tree, a victim born into it as a worker
// is, a watchdog with a deadline, and the reaper.
//
// One thread, the loop's. What goes wrong with the bench itself ends the program: a figure that
// leaves a failure out is worse than none.
#pragma once

#include <memory>
#include <string>

#include "supervisor/cell/cell.h"
#include "supervisor/loop/loop.h"
#include "supervisor/watch/deadline_guard.h"
#include "tests/bench/kill/figures.h"
#include "tests/bench/kill/victims.h"

namespace nightjar::bench {

struct Setup {
  Victim victim = Victim::kSpin;
  std::string canvas;  // the name of its group, one a setup
  CanvasLimits canvas_limits;
  CellLimits limits;
  Nanos wall{0};  // from "ready" to the deadline
};

struct Outcomes {
  Times overshoot;  // deadline -> decision; empty where nothing but the kernel decides
  Times gone;       // decision -> reaped and cell empty. Out of memory: last write -> the same
  Times late;       // deadline -> reaped and cell empty
  uint64_t quarantined = 0;
};

class Rig {
 public:
  explicit Rig(std::string top);
  ~Rig();  // removes the groups

  // `at_once` victims share one deadline and die together. Adds to `outcomes`.
  void Kill(const Setup& setup, unsigned at_once, Outcomes& outcomes);
  // Processes in any group below the top one, as /proc has it and not the groups themselves. Those
  // that it finds are killed.
  uint64_t Survivors() const;
  const std::string& description() const { return tree_->description(); }

 private:
  class Trial;

  const std::string top_;
  SystemClock clock_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<CellTree> tree_;
  DeadlineGuard guard_;
};

}  // namespace nightjar::bench
