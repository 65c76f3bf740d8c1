#include "rules/counts.h"

namespace nightjar::rules {
namespace {

using enum Counter;
using enum Unit;

constexpr std::array<CounterKey, kCounters> kKeys = {{
    {kRequests, "requests", kCount, false, "requests that came for it, whatever became of them"},
    {kRuns, "runs", kCount, false, "requests that had a worker"},
    {kErrors, "errors", kCount, false, "runs that ended with an error of the program"},
    {kKills, "kills", kCount, false, "runs that were ended for what they did: all `kills.*`"},
    {kKillsWallTime, "kills.wall_time", kCount, false, "runs that took longer than limit `wall`"},
    {kKillsCpuTime, "kills.cpu_time", kCount, false, "runs that used more than limit `cpu`"},
    {kKillsMemory, "kills.memory", kCount, false, "runs that wanted more than limit `memory`"},
    {kKillsPids, "kills.pids", kCount, false, "runs that wanted more than limit `pids`"},
    {kKillsOutput, "kills.output", kCount, false, "runs that answered more than limit `output`"},
    {kKillsTrace, "kills.trace", kCount, false, "runs that traced more than limit `trace`"},
    {kKillsSteps, "kills.steps", kCount, false, "runs that made more than limit `steps`"},
    {kKillsCallDepth, "kills.call_depth", kCount, false, "runs deeper than limit `depth`"},
    {kKillsDeniedSyscall, "kills.denied_syscall", kCount, false,
     "runs that made a system call outside of their profile"},
    {kKillsOther, "kills.other", kCount, false,
     "runs that crashed, broke the contract of their socket, or left without an answer"},
    {kCpu, "cpu", kTime, false, "processor time of all its processes"},
    {kRefused, "refused", kCount, false,
     "requests that policy or an operator refused: all `refused.*`"},
    {kRefusedRate, "refused.rate", kCount, false, "requests refused by limit `rate`"},
    {kRefusedQueue, "refused.queue", kCount, false,
     "requests refused by limits `concurrency`, `queue` and `queue_time`"},
    {kRefusedQuota, "refused.quota", kCount, false,
     "requests refused by limits `quota_runs`, `quota_cpu` and `quota_egress`"},
    {kRefusedControl, "refused.control", kCount, false,
     "requests refused because it is suspended, blocked or paused"},
    {kNotFound, "not_found", kCount, false, "requests that no route took"},
    {kMissedPaths, "missed_paths", kCount, false,
     "different paths among those; one that is asked for again some seconds later counts again"},
    {kNearWall, "near.wall", kCount, false,
     "runs that were not killed and used 80 % of limit `wall` or more"},
    {kNearCpu, "near.cpu", kCount, false, "likewise of limit `cpu`"},
    {kNearMemory, "near.memory", kCount, false, "likewise of limit `memory`"},
    {kNearPids, "near.pids", kCount, false, "likewise of limit `pids`"},
    {kNearLimits, "near.limits", kCount, false, "runs that came near at least one of these limits"},
    {kProcesses, "processes", kCount, false, "processes of its runs, of each its most at one time"},
    {kTraceEvents, "trace_events", kCount, false, "events of its traces"},
    {kTraceBytes, "trace_bytes", kBytes, false, "size of its traces"},
    {kTraceDropped, "trace_dropped", kCount, false, "events that found no room in their trace"},
    {kRequestBytes, "request_bytes", kBytes, false, "size of requests"},
    {kResponseBytes, "response_bytes", kBytes, false, "size of answers"},
    {kSameCode, "same_code", kCount, true,
     "canvases in use that have the same code, itself included; of a window the most"},
}};

constexpr bool InOrder() {
  for (size_t i = 0; i < kCounters; ++i)
    if (kKeys[i].counter != static_cast<Counter>(i)) return false;
  return true;
}
static_assert(InOrder());

}  // namespace

const CounterKey& KeyOf(Counter counter) {
  return kKeys[static_cast<size_t>(counter)];
}

const CounterKey* FindCounter(std::string_view name) {
  for (const CounterKey& key : kKeys)
    if (key.name == name) return &key;
  return nullptr;
}

void Counts::Add(const Counts& more) {
  for (size_t i = 0; i < kCounters; ++i) values[i] = Together(kKeys[i], values[i], more.values[i]);
}

proto::CounterRow OnWire(std::string_view canvas, const Counts& counts) {
  proto::CounterRow row;
  row.set_canvas(std::string(canvas));
  for (const CounterKey& key : kKeys)
    if (uint64_t value = counts[key.counter]; value != 0)
      (*row.mutable_counts())[std::string(key.name)] = value;
  return row;
}

Counts FromWire(const proto::CounterRow& row) {
  Counts counts;
  for (const auto& [name, value] : row.counts())
    if (const CounterKey* key = FindCounter(name)) counts[key->counter] = value;
  return counts;
}

}  // namespace nightjar::rules
