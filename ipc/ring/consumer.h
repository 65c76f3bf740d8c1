// The writer's end of a trace ring: takes whole records out of the stream.
//
// Everything in a ring was written by a worker that may have turned hostile. The consumer looks at
// the write position once a drain, bounds everything by its own constants, and copies a record
// before anyone parses it. What an honest producer can never have written is kProtocol and condemns
// the ring: each later drain fails the same way. Whether a record's bytes are a TraceEvent is the
// caller's to find out. Single thread; the mapping is the caller's and outlives it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "ipc/core/ids.h"
#include "ipc/core/result.h"
#include "ipc/ring/layout.h"

namespace nightjar {

// How far the current run is, as the worker claims. Read live.
struct RingCounters {
  RunId run;
  uint64_t events = 0;   // dropped ones included
  uint64_t bytes = 0;    // of encoded events in the stream
  uint64_t dropped = 0;  // events that are not in the stream
};

// For supervisor and writer, at any time, over a mapping of either access. Never blocks: a worker
// that keeps the counters changing gets all zeros.
RingCounters ReadRingCounters(std::span<const std::byte> ring);

class RingConsumer {
 public:
  using Sink = std::function<void(std::span<const std::byte> record)>;

  // `ring` is RingBytes() of shared, writable memory: the read position is kept there for the
  // producer, and for the next consumer should this one die.
  explicit RingConsumer(std::span<std::byte> ring);
  RingConsumer(const RingConsumer&) = delete;
  RingConsumer& operator=(const RingConsumer&) = delete;

  // Hands each record that was published before the call to `sink`, until about `bytes_max` of them
  // are taken; a record's bytes are valid during that call of sink only. Returns how many bytes of
  // the stream were taken: 0 is empty.
  Result<size_t> Drain(const Sink& sink, size_t bytes_max);

  bool condemned() const { return condemned_; }

 private:
  Status TakeRecord(uint64_t published, const Sink& sink);
  tl::unexpected<Error> Condemn(const char* why);
  void PublishRead();

  ring::Header* header_;
  const char* stream_;
  uint64_t read_;  // this side's own copy is the truth
  uint32_t drained_;
  bool condemned_ = false;
  std::array<std::byte, bounds::kTraceEventBytes> record_;
};

}  // namespace nightjar
