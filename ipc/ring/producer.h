// The worker's end of a trace ring: appends records to the stream, keeps the tail of the newest
// ones and the spine of open calls.
//
// It knows nothing of events: records are bytes, and what goes where is the recorder's decision. A
// record is published as soon as it is whole, so a worker killed at any instruction leaves only
// whole records behind. Single thread; the mapping is the caller's and outlives it. Nothing here
// fails: what does not fit is not taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "ipc/core/clock.h"
#include "ipc/core/ids.h"
#include "ipc/ring/layout.h"

namespace nightjar {

// An open call, as the spine shows it once the worker is dead.
struct SpineFrame {
  uint64_t call_id = 0;
  uint64_t expr_id = 0;
  uint64_t opened_ns = 0;  // since the run's start
  uint64_t calls = 0;      // that it has made itself so far
  uint32_t kind = 0;       // proto::CallKind's numbers
  std::string_view fn;     // cut at bounds::kSpineNameBytes
};

class RingProducer {
 public:
  // `ring` is RingBytes() of shared, page-aligned memory. The stream goes on where an earlier
  // producer left it.
  explicit RingProducer(std::span<std::byte> ring);
  RingProducer(const RingProducer&) = delete;
  RingProducer& operator=(const RingProducer&) = delete;

  // Empties tail, spine and counters, and allows bounds::kRingWaitPerRun of waiting again.
  void StartRun(const RunId& run);
  // Appends to the stream and publishes. When the stream is full it waits for the consumer,
  // bounded; false: still no room.
  bool Append(std::string_view record);
  // Appends to the tail over its oldest records.
  void AppendTail(std::string_view record);
  // What others may read of the run while it goes on.
  void ShowCounters(uint64_t events, uint64_t bytes, uint64_t dropped);

  // `depth` counts from 0. Push makes depth + 1 calls open.
  void PushFrame(uint64_t depth, const SpineFrame& frame);
  // Leaves `open_calls` calls open. From 2 * bounds::kSpineFrames on, the caller then restores the
  // frame of NeedsRestoring(), which the closed call had displaced.
  void PopFrame(uint64_t open_calls);
  static bool NeedsRestoring(uint64_t open_calls) { return open_calls >= 2 * bounds::kSpineFrames; }
  void RestoreFrame(uint64_t depth, const SpineFrame& frame);
  // Of the open call of that depth, which is the innermost.
  void ShowCalls(uint64_t depth, uint64_t calls) {
    std::atomic_ref(SlotOf(depth).calls).store(calls, std::memory_order_relaxed);
  }

 private:
  ring::SpineSlot& SlotOf(uint64_t depth) {
    return depth < bounds::kSpineFrames ? header_->outer[depth]
                                        : header_->inner[depth % bounds::kSpineFrames];
  }
  void Populate();
  bool MakeRoom(size_t need);
  bool Fits(size_t need) const;
  void WaitForDrain(Nanos time);

  ring::Header* header_;
  char* stream_;
  char* tail_;
  uint64_t write_;  // its own copies: only this side moves them
  uint64_t tail_begin_ = 0;
  uint64_t tail_end_ = 0;
  uint64_t read_seen_;  // the consumer is at least here
  uint64_t populated_;  // stream positions below have their pages
  uint64_t populated_from_;
  uint32_t run_version_ = 0;
  Nanos wait_left_{0};
};

}  // namespace nightjar
