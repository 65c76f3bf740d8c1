// The same victims, ended by `timeout -s KILL` of coreutils: a process group, no cell.
#pragma once

#include <cstdint>

#include "tests/bench/kill/figures.h"
#include "tests/bench/kill/victims.h"

namespace nightjar::bench {

struct PeerOutcome {
  // From the peer's start plus its limit until nothing of it is left. Its own start is in it: see
  // `start`.
  Times late;
  Times start;             // from the peer's start until its victim is ready
  uint64_t survivors = 0;  // processes that it left behind; they are killed
};

// Makes this process the reaper of whatever is orphaned below it.
void EndByTimeout(Victim victim, Nanos limit, PeerOutcome& outcome);

}  // namespace nightjar::bench
