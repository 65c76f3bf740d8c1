#include "supervisor/rules/activity.h"

#include <functional>
#include <optional>
#include <utility>

namespace nightjar {
namespace {

using rules::Counter;

// Of a run that was ended for what it did.
std::optional<Counter> KillOf(proto::Verdict verdict) {
  switch (verdict) {
    case proto::VERDICT_WALL_TIME:
      return Counter::kKillsWallTime;
    case proto::VERDICT_CPU_TIME:
      return Counter::kKillsCpuTime;
    case proto::VERDICT_MEMORY:
      return Counter::kKillsMemory;
    case proto::VERDICT_PIDS:
      return Counter::kKillsPids;
    case proto::VERDICT_OUTPUT:
      return Counter::kKillsOutput;
    case proto::VERDICT_TRACE:
      return Counter::kKillsTrace;
    case proto::VERDICT_STEPS:
      return Counter::kKillsSteps;
    case proto::VERDICT_CALL_DEPTH:
      return Counter::kKillsCallDepth;
    case proto::VERDICT_DENIED_SYSCALL:
      return Counter::kKillsDeniedSyscall;
    case proto::VERDICT_CRASHED:
    case proto::VERDICT_PROTOCOL:
    case proto::VERDICT_WORKER_EXITED:
      return Counter::kKillsOther;
    default:
      return std::nullopt;
  }
}

// Of a refusal that is about the canvas, not about the host.
std::optional<Counter> RefusalOf(proto::RefusalKind kind) {
  switch (kind) {
    case proto::REFUSAL_RATE:
      return Counter::kRefusedRate;
    case proto::REFUSAL_CONCURRENCY:
    case proto::REFUSAL_QUEUE_TIME:
      return Counter::kRefusedQueue;
    case proto::REFUSAL_QUOTA_RUNS:
    case proto::REFUSAL_QUOTA_CPU:
    case proto::REFUSAL_QUOTA_EGRESS:
      return Counter::kRefusedQuota;
    case proto::REFUSAL_SUSPENDED:
    case proto::REFUSAL_BLOCKED:
    case proto::REFUSAL_PAUSED:
      return Counter::kRefusedControl;
    default:
      return std::nullopt;
  }
}

// 80 % of a limit or more.
bool IsNear(uint64_t used, uint64_t limit) {
  return limit > 0 && static_cast<double>(used) >= 0.8 * static_cast<double>(limit);
}

void CountNear(const RunOrder& order, const proto::Usage& usage, rules::Counts* counts) {
  auto micros = [](const auto& limit) { return static_cast<uint64_t>(limit.value.count()); };
  const std::pair<Counter, bool> all[] = {
      {Counter::kNearWall, IsNear(usage.wall_us(), micros(order.limits.wall))},
      {Counter::kNearCpu, IsNear(usage.cpu_us(), micros(order.limits.cpu))},
      {Counter::kNearMemory, IsNear(usage.memory_peak_bytes(), order.limits.memory_bytes.value)},
      {Counter::kNearPids, IsNear(usage.pids_peak(), order.limits.pids.value)},
  };
  bool any = false;
  for (const auto& [counter, near] : all) {
    if (near) ++(*counts)[counter];
    any = any || near;
  }
  if (any) ++(*counts)[Counter::kNearLimits];
}

}  // namespace

void Activity::Came(const std::string& canvas) {
  ++counts_[canvas][Counter::kRequests];
}

void Activity::Missed(const std::string& canvas, std::string_view path) {
  rules::Counts& counts = counts_[canvas];
  ++counts[Counter::kNotFound];
  std::unordered_set<size_t>& paths = missed_[canvas];
  if (paths.size() < kMissedPathsTold && paths.insert(std::hash<std::string_view>()(path)).second)
    ++counts[Counter::kMissedPaths];
}

void Activity::Refused(const std::string& canvas, proto::RefusalKind kind) {
  auto counter = RefusalOf(kind);
  if (!counter) return;
  rules::Counts& counts = counts_[canvas];
  ++counts[Counter::kRefused];
  ++counts[*counter];
}

void Activity::Ended(const RunOrder& order, const RunResult& result) {
  const std::string& canvas = order.revision->canvas;
  if (result.verdict == proto::VERDICT_REFUSED) return Refused(canvas, result.refusal);
  if (!result.had_worker) return;
  rules::Counts& counts = counts_[canvas];
  const proto::Usage& usage = result.usage;
  ++counts[Counter::kRuns];
  if (auto kill = KillOf(result.verdict)) {
    ++counts[Counter::kKills];
    ++counts[*kill];
  }
  if (result.verdict == proto::VERDICT_PROGRAM_ERROR) ++counts[Counter::kErrors];
  if (result.verdict == proto::VERDICT_FINISHED || result.verdict == proto::VERDICT_PROGRAM_ERROR)
    CountNear(order, usage, &counts);
  if (cpu_of_runs_) counts[Counter::kCpu] += usage.cpu_us();
  counts[Counter::kProcesses] += usage.pids_peak();
  counts[Counter::kTraceEvents] += usage.trace_events();
  counts[Counter::kTraceBytes] += usage.trace_bytes();
  counts[Counter::kTraceDropped] += usage.trace_dropped();
  counts[Counter::kRequestBytes] += order.request_bytes;
  counts[Counter::kResponseBytes] += usage.output_bytes();
}

void Activity::CpuUsed(const std::string& canvas, uint64_t cpu_us) {
  if (cpu_us > 0) counts_[canvas][Counter::kCpu] += cpu_us;
}

Activity::Taken Activity::Take() {
  missed_.clear();
  return std::exchange(counts_, {});
}

}  // namespace nightjar
