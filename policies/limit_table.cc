#include "policies/limit_table.h"

#include <algorithm>

#include "ipc/core/bounds.h"
#include "policies/units.h"

namespace nightjar::policy {
namespace {

using enum LimitKind;
using enum LimitScope;

constexpr double kKiB = 1024;
constexpr double kMiB = 1024 * kKiB;
constexpr double kGiB = 1024 * kMiB;
constexpr double kTiB = 1024 * kGiB;
constexpr double kMs = 1e3;  // in microseconds
constexpr double kSecond = 1e6;
constexpr double kHour = 3600 * kSecond;

// Below 4 MiB a worker cannot even start; above 10000 nested calls its own stack would be the
// limit. With less than 64 KiB a second no program gets as far as its first line before its time is
// over.
constexpr LimitKey kKeys[] = {
    {"wall", kDuration, kRun, 1 * kMs, 24 * kHour, &Limits::wall, "how long a run may take"},
    {"cpu", kDuration, kRun, 1 * kMs, 24 * kHour, &Limits::cpu,
     "processor time a run may use, all its threads together"},
    {"memory", kSize, kRun, 4 * kMiB, 1 * kTiB, &Limits::memory_bytes, "memory of a run"},
    {"pids", kCount, kRun, 1, 10'000, &Limits::pids, "processes and threads of a run"},
    {"output", kSize, kRun, 1, 256 * kMiB, &Limits::output_bytes, "size of a response"},
    {"trace", kSize, kRun, 0, 64 * kMiB, &Limits::trace_bytes,
     "size of a run's trace; \"0B\": none is recorded"},
    {"trace_overflow", kOverflow, kRun, 0, 0, &Limits::trace_overflow_kills,
     "what happens at the end of `trace`: \"drop\" and count events, or \"kill\" the run"},
    {"depth", kCount, kRun, 1, 10'000, &Limits::depth, "calls nested in each other"},
    {"tmp", kSize, kRun, 64 * kKiB, 64 * kGiB, &Limits::tmp_bytes,
     "size of the private /tmp of a run that is a program; it is memory of the run too"},
    {"steps", kMaybe, kRun, 1, 1e15, &Limits::steps,
     "calls and branches of a run; \"none\": no bound but its time"},
    {"soft_stop", kDuration, kRun, 0, 10 * kSecond, &Limits::soft_stop,
     "so long before `wall` and `cpu` a run is asked to stop by itself, at most a tenth of them; "
     "\"0s\": it is only killed"},
    {"trace_drop", kNames, kRun, 0, bounds::kRedactionNames, &Limits::trace_drop,
     "names of headers, parameters and fields whose values a trace leaves out; \"defaults\" stands "
     "for the usual ones"},
    {"trace_hash", kNames, kRun, 0, bounds::kRedactionNames, &Limits::trace_hash,
     "those of which it has a keyed hash instead, which tells equal values; before `trace_drop`"},
    {"trace_index", kNames, kRun, 0, bounds::kTraceIndexFields, &Limits::trace_index,
     "variables of the route, parameters, fields and headers of the input by whose values traces "
     "are found; redacted ones by what is shown of them"},
    {"trace_sample", kSample, kRun, 0, 0, &Limits::trace_sample,
     "whose traces are kept: of \"all\" runs, of one in N (\"1/100\"), or of \"none\" but errors, "
     "kills, slow ones and the first of each revision, which always are"},
    {"trace_slow", kMaybeDuration, kRun, 1 * kMs, 24 * kHour, &Limits::trace_slow,
     "runs that take longer are kept whatever `trace_sample` says; \"none\": no run counts as "
     "slow"},
    {"canvas_memory", kSize, kCanvas, 4 * kMiB, 16 * kTiB, &Limits::canvas_memory_bytes,
     "memory of all of a canvas's workers together"},
    {"canvas_pids", kCount, kCanvas, 1, 4'000'000, &Limits::canvas_pids,
     "processes and threads of all of a canvas's workers together"},
    {"canvas_cpus", kCpus, kCanvas, 0.01, 1024, &Limits::canvas_cpus,
     "processors a canvas may keep busy; \"none\": no bound, only its weight counts"},
    {"canvas_cpu_burst", kMaybeDuration, kCanvas, 1 * kMs, 102.4 * kSecond,
     &Limits::canvas_cpu_burst,
     "processor time that a canvas saves up while it uses less than `canvas_cpus`, at most what "
     "that "
     "allows in 100ms; \"none\": nothing"},
    {"canvas_cpu_weight", kCount, kCanvas, 1, 10'000, &Limits::canvas_cpu_weight,
     "a canvas's share of busy processors, and of a full machine's places, against the others' "
     "weights"},
    {"canvas_disk_read", kMaybeSize, kCanvas, 64 * kKiB, 1 * kTiB, &Limits::canvas_disk_read_bytes,
     "bytes a second that a canvas's programs may read from each disk; \"none\": no bound"},
    {"trace_events_per_day", kMaybe, kCanvas, 1, 1e15, &Limits::trace_events_per_day,
     "events of a canvas's traces that are stored a day (UTC); beyond, traces are stored without "
     "them; \"none\": no bound"},
    {"trace_bytes_per_day", kMaybeSize, kCanvas, 1 * kKiB, 1024 * kTiB,
     &Limits::trace_bytes_per_day,
     "bytes of a canvas's traces that are stored a day (UTC); beyond, only their rows are; "
     "\"none\": no bound"},
    {"rate", kRate, kCanvas, 1.0 / 3600, 1'000'000, &Limits::rate_per_s,
     "requests let in, with bursts as `burst` says; \"none\": no bound"},
    {"burst", kMaybe, kCanvas, 1, 1'000'000, &Limits::burst,
     "requests let in at once after a pause, at least a second's worth of `rate`; \"none\": just "
     "that"},
    {"concurrency", kCount, kCanvas, 1, bounds::kWorkers, &Limits::concurrency,
     "runs of a canvas at one time"},
    {"queue", kCount, kCanvas, 0, 10'000, &Limits::queue,
     "requests that may wait while `concurrency` is used up"},
    {"queue_time", kDuration, kCanvas, 1 * kMs, 300 * kSecond, &Limits::queue_time,
     "how long a request may wait for a worker"},
    {"quota_runs", kMaybe, kCanvas, 1, 1e15, &Limits::quota_runs,
     "runs of a canvas from one midnight (UTC) to the next; \"none\": no bound"},
    {"quota_cpu", kMaybeDuration, kCanvas, 1 * kMs, 1e6 * kHour, &Limits::quota_cpu,
     "processor time of all of a canvas's workers together from one midnight (UTC) to the next; "
     "\"none\": no bound"},
    {"quota_egress", kMaybeSize, kCanvas, 1, 1024 * kTiB, &Limits::quota_egress_bytes,
     "bytes of a canvas's answers from one midnight (UTC) to the next; \"none\": no bound"},
    {"suspended", kSwitch, kCanvas, 0, 0, &Limits::suspended, "true: every request is refused"},
    {"exec", kSwitch, kCanvas, 0, 0, &Limits::exec,
     "true: exec handlers may run programs of this host, sealed like any run"},
    {"denied_calls", kNames, kRun, 0, bounds::kDeniedCalls, &Limits::denied_calls,
     "system calls that end a run that is a program, beyond those that end every run"},
    {"show_controls", kSwitch, kCanvas, 0, 0, &Limits::show_controls,
     "true: who is refused because of an operator's control is told its reason"},
    {"urgent", kNames, kRun, 0, bounds::kUrgentNames, &Limits::urgent,
     "limits that a new policy tightens for runs in flight too: wall, cpu, output, suspended"},
    {"armed", kCount, kCanvas, 0, 256, &Limits::armed,
     "workers kept waiting while the canvas is active"},
    {"reuse", kCount, kCanvas, 1, 1'000'000, &Limits::reuse,
     "runs of one worker before it is replaced; 1: each run gets a fresh one"},
    {"idle", kDuration, kCanvas, 100 * kMs, 24 * kHour, &Limits::idle,
     "after this long without a request the waiting workers are let go"},
};

std::string FormatNames(const Names& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "\"" : ", \"") + name + "\"";
  return "[" + text + "]";
}

}  // namespace

LimitValue LimitKey::ValueIn(const Limits& limits) const {
  return std::visit([&](auto field) -> LimitValue { return (limits.*field).value; }, member);
}

void LimitKey::Set(Limits& limits, const LimitValue& value, const Origin& origin) const {
  std::visit(
      [&](auto field) {
        auto& limit = limits.*field;
        limit.value = std::get<std::decay_t<decltype(limit.value)>>(value);
        limit.origin = origin;
      },
      member);
}

LimitText LimitKey::TextIn(const Limits& limits) const {
  const Origin& origin =
      std::visit([&](auto field) -> const Origin& { return (limits.*field).origin; }, member);
  return {std::string(name), FormatLimit(kind, ValueIn(limits)), origin};
}

std::span<const LimitKey> LimitKeys() {
  return kKeys;
}

std::vector<std::string_view> LimitNames() {
  std::vector<std::string_view> names;
  for (const LimitKey& key : kKeys) names.push_back(key.name);
  return names;
}

const LimitKey* FindLimitKey(std::string_view name) {
  for (const LimitKey& key : kKeys)
    if (key.name == name) return &key;
  return nullptr;
}

std::string FormatLimit(LimitKind kind, const LimitValue& value) {
  switch (kind) {
    case kDuration:
      return FormatDuration(std::get<Micros>(value));
    case kMaybeDuration:
      return std::get<Micros>(value) == Micros(0) ? "none"
                                                  : FormatDuration(std::get<Micros>(value));
    case kSize:
      return FormatSize(std::get<uint64_t>(value));
    case kMaybeSize:
      return std::get<uint64_t>(value) == 0 ? "none" : FormatSize(std::get<uint64_t>(value));
    case kCount:
      return std::to_string(std::get<uint64_t>(value));
    case kMaybe:
      return std::get<uint64_t>(value) == 0 ? "none" : std::to_string(std::get<uint64_t>(value));
    case kCpus:
      return std::get<double>(value) == 0 ? "none" : FormatNumber(std::get<double>(value));
    case kRate:
      return std::get<double>(value) == 0 ? "none" : FormatRate(std::get<double>(value));
    case kSwitch:
      return std::get<bool>(value) ? "true" : "false";
    case kOverflow:
      return std::get<bool>(value) ? "kill" : "drop";
    case kNames:
      return FormatNames(std::get<Names>(value));
    case kSample:
      return FormatSample(std::get<uint64_t>(value));
  }
  return "";
}

std::string WithOrigin(const LimitText& limit) {
  return limit.name + " = " + limit.value + " (" + limit.origin.source + ", " + limit.origin.layer +
         ")";
}

std::vector<LimitText> Describe(const Limits& limits) {
  std::vector<LimitText> texts;
  for (const LimitKey& key : kKeys) texts.push_back(key.TextIn(limits));
  return texts;
}

}  // namespace nightjar::policy
