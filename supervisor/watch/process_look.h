// A look at the processes of a program that is about to be killed: who they are, what they do, whom
// they come from.
//
// Only what the kernel tells this user of any process: the supervisor has no right to look into a
// worker, and gets none for this. What it may not read is left empty and said in `left_out`.
// Bounded in processes, threads, bytes and time. Any thread but the loop's: it can block in a
// process's own lock (process_looker.h).
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "ipc/core/bounds.h"
#include "ipc/core/clock.h"
#include "ipc/proto/control.pb.h"

namespace nightjar {

struct ProcessLook {
  std::vector<proto::ProcessSeen> processes;  // parents before their children
  size_t in_all = 0;
  std::vector<std::string> left_out;
};

// Names and command lines are the program's own words, with the canvas's secrets still in them: for
// the writer, which masks them, and nobody else. Those that it does not come to within `time` are
// left out.
ProcessLook LookAtProcesses(const std::vector<int>& pids, const Clock& clock,
                            std::chrono::milliseconds time = bounds::kProcessLookTime);

}  // namespace nightjar
