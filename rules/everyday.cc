#include "rules/everyday.h"

#include <algorithm>

#include "rules/measure.h"

namespace nightjar::rules {
namespace {

// Of one run of a small handler.
constexpr uint64_t kRunCpuMicros = 10'000;
constexpr uint64_t kRunEvents = 20;
constexpr uint64_t kRunTraceBytes = 2'000;
constexpr uint64_t kRunRequestBytes = 300;
constexpr uint64_t kRunResponseBytes = 2'000;

bool IsHit(const Rule& rule, const Counts& counts) {
  return std::all_of(rule.when.begin(), rule.when.end(), [&](const Condition& condition) {
    auto value = Measure(condition, rule.window, 1, counts);
    return value && Meets(condition, *value);
  });
}

}  // namespace

Counts GoodNeighbour(Seconds window) {
  const auto runs =
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::minutes>(window).count());
  Counts counts;
  counts[Counter::kRequests] = counts[Counter::kRuns] = counts[Counter::kProcesses] = runs;
  counts[Counter::kCpu] = runs * kRunCpuMicros;
  counts[Counter::kTraceEvents] = runs * kRunEvents;
  counts[Counter::kTraceBytes] = runs * kRunTraceBytes;
  counts[Counter::kRequestBytes] = runs * kRunRequestBytes;
  counts[Counter::kResponseBytes] = runs * kRunResponseBytes;
  counts[Counter::kSameCode] = 1;
  return counts;
}

bool HitsEverything(const Rule& rule) {
  return IsHit(rule, Counts()) || IsHit(rule, GoodNeighbour(rule.window));
}

}  // namespace nightjar::rules
