// Looks at the processes of a program before its kill, off the loop: reading a command line waits
// for a lock of that process, which it can hold while it is throttled or out of memory.
//
// One thread, started with the first look. A look that is not there in time is left out, so that a
// program cannot put its kill off, nor that of another one. Owned by RunService and destroyed on
// the loop's thread, after every ticket; loop thread only.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "ipc/core/bounds.h"
#include "supervisor/loop/loop.h"
#include "supervisor/loop/task_thread.h"
#include "supervisor/watch/process_look.h"

namespace nightjar {

class ProcessLooker {
 public:
  // How one look is done; the test's seam.
  using Look = std::function<ProcessLook(const std::vector<int>& pids)>;

  // `loop` and `clock` outlive it. `time` is what a kill waits for a look at most.
  ProcessLooker(Loop& loop, const Clock& clock,
                std::chrono::milliseconds time = bounds::kProcessLookTime);
  ProcessLooker(Loop& loop, Look look, std::chrono::milliseconds time = bounds::kProcessLookTime);
  // Waits for the look under way: by then whoever held it up is killed.
  ~ProcessLooker();

  class Ticket;
  // `done` comes once, in a later turn, within `time`; never once the ticket is dropped.
  std::shared_ptr<Ticket> Begin(std::vector<int> pids, std::function<void(ProcessLook)> done);

 private:
  Loop& loop_;
  const Look look_;
  const std::chrono::milliseconds time_;
  std::optional<TaskThread> thread_;  // last: what it still does needs the others
};

}  // namespace nightjar
