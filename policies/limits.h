// The limits of a run, each with where it came from. Values only: no file, no clock, no loop.
//
// Layers, later wins: built in < [default] < [plan.NAME] < [canvas.NAME] <
// [canvas.NAME.handler."GET /x"]. Whoever explains a limit (nightjar limits, an incident) shows
// source and layer as they are here.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nightjar::policy {

// Where a value was set. `source`: "policy.toml:12" or "built in". `layer`: "default", "plan free",
// "canvas demo", "handler GET /x".
struct Origin {
  std::string source = "built in";
  std::string layer = "default";
};

template <typename T>
struct Limit {
  T value{};
  Origin origin;
};

using Micros = std::chrono::microseconds;
using Names = std::vector<std::string>;

// Over which the kernel counts what limit `canvas_cpus` allows: its default, in both versions of
// control groups.
inline constexpr Micros kCpuPeriod{100'000};

struct Limits {
  std::string policy;  // the version of the policy that they are of
  // --- kills
  Limit<Micros> wall{std::chrono::seconds(5), {}};
  Limit<Micros> cpu{std::chrono::seconds(2), {}};
  Limit<uint64_t> memory_bytes{64 << 20, {}};
  Limit<uint64_t> pids{8, {}};
  Limit<uint64_t> output_bytes{4 << 20, {}};
  Limit<uint64_t> trace_bytes{1 << 20, {}};
  Limit<bool> trace_overflow_kills{false, {}};  // in a file: trace_overflow = "drop" | "kill"
  Limit<uint64_t> depth{1000, {}};
  Limit<uint64_t> tmp_bytes{16 << 20, {}};                     // of an exec handler's private /tmp
  Limit<uint64_t> steps{0, {}};                                // 0: no bound
  Limit<Micros> soft_stop{std::chrono::milliseconds(10), {}};  // 0: only the hard one
  // --- what a trace does not show: names of fields and headers (ipc/redact/rules.h)
  Limit<Names> trace_drop{{"defaults"}, {}};
  Limit<Names> trace_hash{{}, {}};
  // --- what it is found by: names of fields of the input
  Limit<Names> trace_index{{}, {}};
  // --- which traces are kept. Of so many runs one; 1: all, 0: none but those that always are
  Limit<uint64_t> trace_sample{1, {}};
  Limit<Micros> trace_slow{std::chrono::seconds(1), {}};  // kept always; 0: no run counts as slow
  // --- shares (canvas level)
  Limit<uint64_t> canvas_memory_bytes{512 << 20, {}};
  Limit<uint64_t> canvas_pids{256, {}};
  Limit<double> canvas_cpus{0, {}};               // 0: no bound, only weight
  Limit<Micros> canvas_cpu_burst{Micros(0), {}};  // 0: nothing is saved up
  Limit<uint64_t> canvas_cpu_weight{100, {}};
  Limit<uint64_t> canvas_disk_read_bytes{0, {}};  // a second; 0: no bound
  Limit<uint64_t> trace_events_per_day{0, {}};    // 0: no bound
  Limit<uint64_t> trace_bytes_per_day{0, {}};     // 0: no bound
  // --- admission (canvas level)
  Limit<double> rate_per_s{0, {}};  // 0: no bound
  Limit<uint64_t> burst{0, {}};     // 0: a second's worth of the rate
  Limit<uint64_t> concurrency{16, {}};
  Limit<uint64_t> queue{64, {}};
  Limit<Micros> queue_time{std::chrono::seconds(2), {}};
  Limit<uint64_t> quota_runs{0, {}};  // a day (UTC); 0: no bound
  Limit<Micros> quota_cpu{Micros(0), {}};
  Limit<uint64_t> quota_egress_bytes{0, {}};
  Limit<bool> suspended{false, {}};
  Limit<bool> exec{false, {}};        // its handlers may run programs of the host
  Limit<Names> denied_calls{{}, {}};  // system calls that those must not make (denied_calls.h)
  // Who is refused because of an operator's control is told its reason.
  Limit<bool> show_controls{false, {}};
  // --- of a new policy, what holds for runs that began under the one before (policies/urgent.h)
  Limit<Names> urgent{{}, {}};
  // --- workers
  Limit<uint64_t> armed{2, {}};  // kept waiting while the canvas is active
  Limit<uint64_t> reuse{1, {}};  // runs a worker
  Limit<Micros> idle{std::chrono::seconds(30),
                     {}};  // after the last request armed workers are let go
};

// One limit as text, in the units a policy file takes ("2s", "64MiB", "50/s"), for people and
// incidents.
struct LimitText {
  std::string name;
  std::string value;
  Origin origin;
};
std::vector<LimitText> Describe(const Limits& limits);

// "wall = 2s (policy.toml:4, default)", for sentences that name what decided.
std::string WithOrigin(const LimitText& limit);

}  // namespace nightjar::policy
