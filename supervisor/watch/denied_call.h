// A system call that a worker's profile does not allow: what it was, in words and as the cause of a
// kill. Pure.
//
// Arguments are told for the calls where they are plain numbers that say what was tried. Pointers
// never are: they would tell where a worker's memory lies, and say nothing else.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "policies/limits.h"
#include "supervisor/watch/verdict.h"

namespace nightjar {

struct DeniedCall {
  int number = 0;  // of this architecture
  std::array<uint64_t, 6> arguments{};
  int tid = 0;         // as the supervisor sees it; 0: unknown
  std::string thread;  // the thread's name, the worker's own word; empty: unknown
};

// "it called socket(domain 2, type 1, protocol 0), system call 41, which its profile does not
// allow, in thread 4711 (nightjar-worker)"; or, where limit denied_calls names it, "which limit
// denied_calls = [\"socket\"] (policy.toml:7, canvas demo) does not allow". `limits` are the run's.
KillCause CauseOf(const DeniedCall& call, const policy::Limits& limits);

}  // namespace nightjar
