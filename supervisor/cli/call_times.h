// When the calls of a trace began and ended, so that each lies within its caller. Pure.
//
// Events are hostile and some are missing. What is known is taken; a call whose end nothing tells
// of ends when the next one of the same caller begins, or with its caller, because one thread
// evaluates a run. Calls of one caller may still overlap where a worker's times make no sense.
#pragma once

#include <cstdint>
#include <vector>

#include "ipc/proto/control.pb.h"
#include "supervisor/cli/call_tree.h"

namespace nightjar::cli {

// In nanoseconds since the request was received, which is `queue_us` before the run's own zero.
struct CallTime {
  enum class End {
    kTold,     // by an event
    kKilled,   // it was open when the run was killed: it ends with the run
    kMissing,  // left through the error rail, or the event was dropped
  };

  uint64_t start_ns = 0;
  uint64_t end_ns = 0;  // never before start_ns
  End end = End::kTold;
};

class CallTimes {
 public:
  // By the node's number; what is no call has the time of its event. 0: the whole run.
  CallTimes(const proto::TraceDocument& document, const CallTree& tree);

  const CallTime& of(size_t node) const { return times_[node]; }
  // An event's time, within the run.
  uint64_t Within(uint64_t at_ns) const;

 private:
  void Begin(const CallTree& tree, size_t node);
  void PlaceCallsOf(const CallTree& tree, size_t caller);

  uint64_t queue_ns_ = 0;
  uint64_t run_ns_ = 0;   // how long the run took, by the supervisor's clock where it told
  bool complete_ = true;  // nothing is missing: what has no end was open at the kill
  bool killed_ = false;
  std::vector<CallTime> times_;
};

}  // namespace nightjar::cli
