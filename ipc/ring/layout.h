// What lies where in a trace ring: one memfd a worker, shared by the worker (producer.h) and the
// writer (consumer.h, tail.h).
//
// A header, then the stream, then the tail; docs/formats/ring.md draws it. Both sides count with
// the constants of this file and bounds.h only, never with a number read from the memory itself. A
// ring is created with CreateSizedMemfd(name, RingBytes()) and needs no other preparation: all
// zeros is an empty ring. Fields are touched through std::atomic_ref by whoever may meet the other
// side there.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ipc/core/bounds.h"

namespace nightjar::ring {

inline constexpr uint64_t kMagic = 0x31474e495254524e;  // "NRTRING1" in memory
inline constexpr uint32_t kVersion = 2;
inline constexpr size_t kCacheLine = 64;

// One open call. `mark` is its depth plus one, and 0 while the rest is being written.
struct SpineSlot {
  uint64_t mark;
  uint64_t call_id;
  uint64_t expr_id;
  uint64_t opened_ns;  // since the run's start
  uint64_t calls;      // that it has made itself so far
  uint32_t kind;
  uint32_t name_bytes;
  char name[bounds::kSpineNameBytes];
};

struct Header {
  // Stamped by the producer, so that a dump can be recognised. Nobody counts with it.
  uint64_t magic;
  uint32_t version;
  uint32_t header_bytes;
  uint64_t stream_bytes;
  uint64_t tail_bytes;

  // The producer's line: one line crosses between the processors for all of it.
  alignas(kCacheLine) uint64_t write_position;  // bytes ever written to the stream; a multiple of 8
  uint64_t events;                              // of the current run, like the next two
  uint64_t bytes;
  uint64_t dropped;
  uint64_t run_id[2];
  uint32_t run_version;  // odd while the run's id and counters change
  uint32_t room_wanted;  // the producer sleeps on `drained`

  // The consumer's line.
  alignas(kCacheLine) uint64_t read_position;
  uint32_t drained;  // a futex: counts publications of read_position

  // Both from here on are read only once the producer is dead.
  alignas(kCacheLine) uint64_t
      tail_begin;  // bytes ever written to the tail: its oldest whole record
  uint64_t tail_end;
  uint64_t open_calls;
  // The open call of depth d is outer[d], or inner[d % kSpineFrames] from kSpineFrames on.
  alignas(kCacheLine) SpineSlot outer[bounds::kSpineFrames];
  SpineSlot inner[bounds::kSpineFrames];
};

inline constexpr size_t kHeaderBytes = 8 * bounds::kKiB;
inline constexpr size_t kStreamOffset = kHeaderBytes;
inline constexpr size_t kTailOffset = kStreamOffset + bounds::kRingStreamBytes;
static_assert(sizeof(Header) <= kHeaderBytes);
static_assert(offsetof(Header, read_position) - offsetof(Header, write_position) == kCacheLine);
static_assert(std::atomic_ref<uint64_t>::is_always_lock_free);

// A record in the stream and in the tail: its size, its bytes, zero to seven bytes of padding.
// Positions stay multiples of eight, so a size never wraps around the end.
inline constexpr size_t kLengthBytes = 4;
inline constexpr size_t FramedBytes(size_t record_bytes) {
  return (kLengthBytes + record_bytes + 7) & ~size_t{7};
}
static_assert(FramedBytes(bounds::kTraceEventBytes) * 4 < bounds::kRingStreamBytes);

}  // namespace nightjar::ring

namespace nightjar {

// The size of a ring's memfd.
inline constexpr size_t RingBytes() {
  return ring::kTailOffset + bounds::kRingTailBytes;
}

}  // namespace nightjar
