// What a dead worker's ring says about its end: the newest events that never reached the stream,
// and the calls that were open.
//
// For the writer, once the worker is known to be gone: both are plain memory that a living producer
// keeps changing. As hostile as the stream: everything is bounded and copied, names are cut to
// UTF-8, and whether a record parses is the caller's to find out. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ipc/core/result.h"
#include "ipc/ring/consumer.h"

namespace nightjar {

struct OpenFrame {
  uint64_t depth = 0;  // 0: called by the handler itself
  uint64_t call_id = 0;
  uint64_t expr_id = 0;
  uint64_t opened_ns = 0;  // since the run's start
  uint64_t calls = 0;      // that it had made itself
  uint32_t kind = 0;       // proto::CallKind's numbers
  std::string fn;          // empty for a lambda
};

struct RingEvidence {
  RingCounters counters;  // of the run that was going on, or the last one
  // Encoded proto::TraceEvents that were dropped from the stream, oldest first; `seq` places them.
  // At most bounds::kRingTailBytes.
  std::vector<std::string> newest;
  uint64_t open_calls = 0;        // may be more than there are frames
  std::vector<OpenFrame> frames;  // outermost first; where depth jumps, calls between are not known
};

// kProtocol: the tail is not a tail. A ring that no worker ever opened is empty evidence.
Result<RingEvidence> ReadRingEvidence(std::span<const std::byte> ring);

}  // namespace nightjar
