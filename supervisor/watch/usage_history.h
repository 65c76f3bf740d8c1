// What a run used over its time: a few samples, evenly spread, however long it takes.
//
// The watchdog hands in what it sees at its looks; too near to the last one, a sample is left out.
// Bounded: when it is full, every second one goes and the gaps double. Pure.
#pragma once

#include <vector>

#include "ipc/core/clock.h"
#include "supervisor/cell/cell.h"

namespace nightjar {

class UsageHistory {
 public:
  // `wall`: how long the run may take at most.
  explicit UsageHistory(Nanos wall);

  struct Sample {
    Nanos at{0};  // since the run's start
    uint64_t cpu_us = 0;
    uint64_t memory_bytes = 0;
    uint64_t pids = 0;
  };
  void Add(Nanos at, const CellUsage& used);
  // The last one, which is always kept.
  void End(Nanos at, const CellUsage& used);

  // After this long without a sample it is time for one.
  Nanos gap() const { return gap_; }
  const std::vector<Sample>& samples() const { return samples_; }

 private:
  void Keep(Nanos at, const CellUsage& used);

  Nanos gap_;
  std::vector<Sample> samples_;
};

}  // namespace nightjar
