// What was counted since the supervisor's start: for each canvas, and of the supervisor itself.
// Loop thread only, but for what is said to be anybody's.
#pragma once

#include <map>
#include <string>

#include "supervisor/metrics/durations.h"
#include "supervisor/metrics/histogram.h"

namespace nightjar {

struct CanvasCounts {
  uint64_t requests = 0;  // admitted runs that ended
  uint64_t refused = 0;
  uint64_t killed = 0;  // every verdict that leaves an incident, but refused
  uint64_t cpu_us = 0;
  Histogram latency;  // from the request's last byte to its answer, in us
};

struct HostCounts {
  Durations loop_turns;      // how long what came in had to wait for its turn, at most
  Durations overshoots;      // from the instant a limit was reached to the decision to kill
  Durations guard_wake_ups;  // how late the guard's thread was woken. Its own to add to
  uint64_t guard_kills = 0;
  uint64_t refused = 0;                        // at the gate: no run came of it
  std::map<std::string, uint64_t> runs_ended;  // by the name of their verdict
};

class Metrics {
 public:
  CanvasCounts& Of(const std::string& canvas) { return canvases_[canvas]; }
  HostCounts& host() { return host_; }

 private:
  std::map<std::string, CanvasCounts> canvases_;
  HostCounts host_;
};

}  // namespace nightjar
