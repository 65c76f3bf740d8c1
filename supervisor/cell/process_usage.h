// What a process and everything below it use, read from /proc: for hosts that give this user no
// control group to count in.
//
// The kernel tells this of any process to anyone who sees it. Cheap for the few processes of a run;
// a process that moves to another parent in the middle of a walk may be missed or counted twice.
// Any thread.
#pragma once

#include <cstdint>
#include <vector>

namespace nightjar {

struct ProcessUsage {
  uint64_t cpu_us = 0;  // of the living, and of those below them that ended and were waited for
  uint64_t memory_bytes = 0;  // resident; what several share is counted for each
  uint64_t processes = 0;     // threads are not told apart
};

// `pid` 0 or gone: all zeros. Of the first bounds::kProcessesCounted.
ProcessUsage UsageOfTree(int pid);
// The same processes themselves, `pid` first.
std::vector<int> ProcessesOfTree(int pid);

}  // namespace nightjar
