#include "policies/kill_rules.h"

#include <algorithm>
#include <cstdio>

#include "ipc/core/check.h"
#include "policies/limit_table.h"

namespace nightjar::policy {
namespace {

constexpr Nanos kShortestLook = std::chrono::milliseconds(1);

// At the earliest: when all of the processors are kept busy.
Nanos UsedUpAfter(Micros cpu, const RunUsage& usage, unsigned processors) {
  return Nanos(cpu - usage.cpu) / std::max(processors, 1u);
}

// Three digits after the point, cut: 1.9996 s must not read as the 2.000 s of the limit that it did
// not reach.
std::string Seconds(Nanos time) {
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  char text[48];
  snprintf(text, sizeof text, "%lld.%03lld s", static_cast<long long>(ms / 1000),
           static_cast<long long>(ms % 1000));
  return text;
}

std::string Mebibytes(uint64_t bytes) {
  char text[48];
  snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(bytes) / (1 << 20));
  return text;
}

BrokenLimit Break(KillRule rule, std::string_view name, const Limits& limits,
                  const std::string& what) {
  const LimitKey* key = FindLimitKey(name);
  CHECK(key != nullptr);
  BrokenLimit broken;
  broken.rule = rule;
  broken.limit = key->TextIn(limits);
  const Origin& origin = broken.limit.origin;
  broken.sentence = what + "; limit " + broken.limit.name + " = " + broken.limit.value + " (" +
                    origin.source + ", " + origin.layer + ")";
  return broken;
}

}  // namespace

std::optional<BrokenLimit> Broken(const Limits& limits, const RunUsage& usage) {
  if (usage.oom_kills > 0) {
    std::string what = "needed more memory than it may have";
    if (usage.memory_peak_bytes > 0)
      what = "used " + Mebibytes(usage.memory_peak_bytes) + " of memory and needed more";
    return Break(KillRule::kMemory, "memory", limits, what);
  }
  if (usage.oom_kills_canvas > 0)
    return Break(KillRule::kMemory, "canvas_memory", limits,
                 "was killed when the workers of its canvas, " +
                     std::to_string(usage.canvas_workers) +
                     " at that time, needed more memory than they may have together");
  if (usage.pids_denied > 0)
    return Break(KillRule::kPids, "pids", limits, "tried to start more processes than it may have");
  if (usage.depth > limits.depth.value)
    return Break(KillRule::kDepth, "depth", limits,
                 "nested " + std::to_string(usage.depth) + " calls");
  if (limits.steps.value > 0 && usage.steps > limits.steps.value)
    return Break(KillRule::kSteps, "steps", limits,
                 "took " + std::to_string(usage.steps) + " steps");
  if (usage.output_bytes > limits.output_bytes.value)
    return Break(KillRule::kOutput, "output", limits,
                 "made " + std::to_string(usage.output_bytes) + " bytes of output");
  if (limits.trace_overflow_kills.value && usage.trace_bytes > limits.trace_bytes.value)
    return Break(KillRule::kTrace, "trace", limits,
                 "made " + std::to_string(usage.trace_bytes) + " bytes of trace");
  if (usage.cpu >= limits.cpu.value)
    return Break(KillRule::kCpu, "cpu", limits, "used " + Seconds(usage.cpu) + " of cpu time");
  if (usage.wall >= limits.wall.value) {
    BrokenLimit broken =
        Break(KillRule::kWall, "wall", limits, "used " + Seconds(usage.wall) + " of wall time");
    broken.late = usage.wall - limits.wall.value;
    return broken;
  }
  return std::nullopt;
}

std::optional<BrokenLimit> HeldByBrake(const Limits& limits, const RunUsage& usage) {
  if (!usage.canvas_braked || usage.cpu > limits.wall.value / 2) return std::nullopt;
  if (usage.memory_peak_bytes * usage.canvas_workers < limits.canvas_memory_bytes.value / 2)
    return std::nullopt;
  return Break(KillRule::kMemory, "canvas_memory", limits,
               "waited for memory until its time was over: the workers of its canvas, " +
                   std::to_string(usage.canvas_workers) +
                   " at that time, had nearly all that they may have together");
}

BrokenLimit SoftlyStopped(KillRule rule, const Limits& limits, const RunUsage& usage) {
  constexpr const char* kSoftly = " and was stopped softly";
  switch (rule) {
    case KillRule::kMemory:
      return Break(rule, "memory", limits,
                   "needed " + Mebibytes(usage.value_bytes) + " for its values" + kSoftly);
    case KillRule::kCpu:
      return Break(rule, "cpu", limits, "used " + Seconds(usage.cpu) + " of cpu time" + kSoftly);
    default:
      return Break(KillRule::kWall, "wall", limits,
                   "used " + Seconds(usage.wall) + " of wall time" + kSoftly);
  }
}

SoftLimits SoftLimitsOf(const Limits& limits) {
  SoftLimits soft;
  // A worker has its stack, its program and its buffers as well.
  soft.value_bytes = limits.memory_bytes.value - limits.memory_bytes.value / 16;
  Micros before = limits.soft_stop.value;
  if (before == Micros(0)) return soft;
  soft.wall = limits.wall.value - std::min(before, limits.wall.value / 10);
  soft.cpu = limits.cpu.value - std::min(before, limits.cpu.value / 10);
  return soft;
}

Nanos NextLookAfter(const Limits& limits, const RunUsage& usage, unsigned processors) {
  return std::max<Nanos>(UsedUpAfter(limits.cpu.value, usage, processors), kShortestLook);
}

Nanos SoftStopAfter(const Limits& limits, const RunUsage& usage, unsigned processors) {
  SoftLimits soft = SoftLimitsOf(limits);
  if (soft.wall == Micros(0)) return Nanos::max();
  return std::min<Nanos>(soft.wall - usage.wall, UsedUpAfter(soft.cpu, usage, processors));
}

}  // namespace nightjar::policy
