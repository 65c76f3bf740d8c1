// When a run has to end: limits and a sample of what it has used in, the limit that it broke out.
// Pure.
//
// Several limits can be broken in one sample; the first of this order is the cause: memory, pids
// (the kernel has acted on both already), depth, steps, output, trace (the worker has stopped at
// them), cpu, wall. Wall time comes last because it explains least. Which verdict that makes is not
// decided here. Call from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ipc/core/clock.h"
#include "policies/limits.h"

namespace nightjar::policy {

// Since the run's start. A zero says "nothing known of it" and breaks nothing.
struct RunUsage {
  Nanos wall{0};
  Micros cpu{0};
  uint64_t memory_peak_bytes = 0;  // told in the sentence only: the kernel enforces memory
  uint64_t output_bytes = 0;
  uint64_t trace_bytes = 0;
  uint64_t depth = 0;             // deepest nesting of calls
  uint64_t steps = 0;             // calls and branches
  uint64_t value_bytes = 0;       // of the program's values, told in the sentence only
  uint64_t oom_kills = 0;         // processes that the kernel killed at the memory limit
  uint64_t oom_kills_canvas = 0;  // and at the canvas's
  uint64_t canvas_workers = 0;    // that shared it
  bool canvas_braked =
      false;                 // of late the canvas's memory was nearly used up: who needs more waits
  uint64_t pids_denied = 0;  // forks that the kernel refused at the pids limit
};

enum class KillRule { kMemory, kPids, kDepth, kSteps, kOutput, kTrace, kCpu, kWall };

struct BrokenLimit {
  KillRule rule = KillRule::kWall;
  LimitText limit;
  std::string sentence;  // "used 2.004 s of wall time; limit wall = 2s (policy.toml:4, default)"
  Nanos late{0};  // since the instant the limit was reached; wall only, 0 where no instant is known
};

// Reaching `wall` or `cpu` breaks it; the others are broken by more than the limit.
std::optional<BrokenLimit> Broken(const Limits& limits, const RunUsage& usage);

// A run whose wall time is over may have stood still for want of memory, which the canvas's brake
// keeps from it: then that was first. It is said only of a run that used a processor less than half
// of the time and had at least half of its even share of the canvas's memory, so that one that just
// waits is not blamed.
std::optional<BrokenLimit> HeldByBrake(const Limits& limits, const RunUsage& usage);

// A run that stopped softly at one of these, shortly before the limit: kMemory, kCpu, kWall.
BrokenLimit SoftlyStopped(KillRule rule, const Limits& limits, const RunUsage& usage);

// When a run is to be asked to stop: so long after its start, or so much cpu time; and the memory
// that its values may take. Zero: never, no bound.
struct SoftLimits {
  Micros wall{0};
  Micros cpu{0};
  uint64_t value_bytes = 0;
};
SoftLimits SoftLimitsOf(const Limits& limits);

// How long until the cpu limit could be reached at the earliest, when the run can keep `processors`
// of them busy at once; at least 1 ms, so that a look that comes a moment early is not followed by
// a flurry of others.
Nanos NextLookAfter(const Limits& limits, const RunUsage& usage, unsigned processors = 1);

// How long until the run can be asked to stop by itself at the earliest, by the same count; 0 or
// less: it may have been; Nanos::max(): it never is.
Nanos SoftStopAfter(const Limits& limits, const RunUsage& usage, unsigned processors);

}  // namespace nightjar::policy
