// What happened on each canvas since it was last asked, in the counters that rules name. It knows
// no time: whoever takes it says when that was. Loop thread only.
//
// Only canvases that there are are counted, so that strangers' host names take no memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "rules/counts.h"
#include "supervisor/run/run.h"

namespace nightjar {

// Different paths of a canvas that are told apart between two takes; more count as one.
inline constexpr size_t kMissedPathsTold = 4096;

class Activity {
 public:
  // Where processor time comes from: as UsageTally::Cpu.
  explicit Activity(bool cpu_of_runs) : cpu_of_runs_(cpu_of_runs) {}

  // A request came, whatever becomes of it.
  void Came(const std::string& canvas);
  // No route took it.
  void Missed(const std::string& canvas, std::string_view path);
  // Before it was a run.
  void Refused(const std::string& canvas, proto::RefusalKind kind);
  void Ended(const RunOrder& order, const RunResult& result);
  void CpuUsed(const std::string& canvas, uint64_t cpu_us);

  using Taken = std::unordered_map<std::string, rules::Counts>;
  Taken Take();

 private:
  const bool cpu_of_runs_;
  Taken counts_;
  std::unordered_map<std::string, std::unordered_set<size_t>> missed_;  // hashes of paths
};

}  // namespace nightjar
