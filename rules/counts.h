// What rules look at: how often things happened on a canvas, and how much it used, each under the
// name that a rule calls it by. Values only; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ipc/proto/control.pb.h"

namespace nightjar::rules {

// The order is that of the table in counts.cc; only names are ever stored.
enum class Counter : uint8_t {
  kRequests,  // all that came for the canvas, whatever became of them
  kRuns,      // that had a worker
  kErrors,    // runs that ended with an error of the program
  kKills,     // runs that were ended for what they did: all of the next ten
  kKillsWallTime,
  kKillsCpuTime,
  kKillsMemory,
  kKillsPids,
  kKillsOutput,
  kKillsTrace,
  kKillsSteps,
  kKillsCallDepth,
  kKillsDeniedSyscall,
  kKillsOther,  // crashed, broke the contract of their socket, left without an answer
  kCpu,         // microseconds of processor time of all its processes
  kRefused,     // requests that policy or an operator refused: all of the next four
  kRefusedRate,
  kRefusedQueue,  // limits concurrency, queue and queue_time
  kRefusedQuota,
  kRefusedControl,  // suspended, blocked or paused
  kNotFound,        // requests that no route took
  kMissedPaths,     // different paths among those, told apart for some seconds at a time
  kNearWall,        // runs that were not killed, and used 80 % of the limit or more
  kNearCpu,
  kNearMemory,
  kNearPids,
  kNearLimits,  // runs that came near at least one of them
  kProcesses,   // of its runs, each at its most
  kTraceEvents,
  kTraceBytes,
  kTraceDropped,  // events that found no room
  kRequestBytes,
  kResponseBytes,
  kSameCode,  // a level: canvases in use that have the same code, itself included
};
inline constexpr size_t kCounters = static_cast<size_t>(Counter::kSameCode) + 1;

// How a rule file writes an amount of it.
enum class Unit : uint8_t { kCount, kTime, kBytes };

struct CounterKey {
  Counter counter{};
  std::string_view name;  // "kills.cpu_time"
  Unit unit = Unit::kCount;
  bool is_level = false;   // of a window its highest value counts, not its sum
  std::string_view about;  // one line, for people
};

const CounterKey& KeyOf(Counter counter);
const CounterKey* FindCounter(std::string_view name);
// The higher of the two where it is a level, else their sum; it stops at what a uint64_t holds.
inline uint64_t Together(const CounterKey& key, uint64_t one, uint64_t other) {
  if (key.is_level) return one > other ? one : other;
  return other > UINT64_MAX - one ? UINT64_MAX : one + other;
}

struct Counts {
  std::array<uint64_t, kCounters> values{};

  uint64_t& operator[](Counter counter) { return values[static_cast<size_t>(counter)]; }
  uint64_t operator[](Counter counter) const { return values[static_cast<size_t>(counter)]; }
  bool operator==(const Counts&) const = default;
  // What is a level becomes the higher of the two.
  void Add(const Counts& more);
  bool empty() const { return *this == Counts(); }
};

// By name, without what is 0; names that nobody knows, of another version, are passed over.
proto::CounterRow OnWire(std::string_view canvas, const Counts& counts);
Counts FromWire(const proto::CounterRow& row);

}  // namespace nightjar::rules
