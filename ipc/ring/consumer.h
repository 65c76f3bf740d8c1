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

  // When the producer gets the room of what was taken: after each drain, or when Free() says so.
  enum class Freeing { kAtOnce, kWhenTold };
  // `ring` is RingBytes() of shared, writable memory: how far its room is free is kept there, for
  // the producer, and for the next consumer should this one die, which begins there.
  explicit RingConsumer(std::span<std::byte> ring, Freeing freeing = Freeing::kAtOnce);
  RingConsumer(const RingConsumer&) = delete;
  RingConsumer& operator=(const RingConsumer&) = delete;

  // Hands each record that was published before the call to `sink`, until about `bytes_max` of them
  // are taken; a record's bytes are valid during that call of sink only. Returns how many bytes of
  // the stream were taken: 0 is empty.
  Result<size_t> Drain(const Sink& sink, size_t bytes_max);

  // Where the next record begins; within `sink`, where the one after this does.
  uint64_t position() const { return read_; }
  // All before `position`, which was position() once, is not needed any more.
  void Free(uint64_t position);
  // Taken and not free.
  uint64_t kept() const { return read_ - freed_; }

  bool condemned() const { return condemned_; }

 private:
  Status TakeRecord(uint64_t published, const Sink& sink);
  tl::unexpected<Error> Condemn(const char* why);
  ring::Header* header_;
  const char* stream_;
  const Freeing freeing_;
  uint64_t read_;   // this side's own copies are the truth
  uint64_t freed_;  // and this one is published
  uint32_t drained_;
  bool condemned_ = false;
  std::array<std::byte, bounds::kTraceEventBytes> record_;
};

}  // namespace nightjar
