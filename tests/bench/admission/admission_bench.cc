// What a refusal costs, without its socket: items_per_second are refusals a second of one thread.
#include <benchmark/benchmark.h>

#include "policies/policy.h"
#include "supervisor/admission/gate.h"

namespace nightjar {
namespace {

std::shared_ptr<const policy::Policy> SomePolicy() {
  std::vector<policy::PolicyError> errors;
  return policy::Policy::Parse(
      "[default]\nwall = \"2s\"\nrate = \"1/h\"\n[plan.free]\nmemory = \"32MiB\"\n"
      "[canvas.busy]\nplan = \"free\"\n[canvas.banned]\nsuspended = true\n",
      "policy.toml", &errors);
}

void Refusals(benchmark::State& state, const std::string& canvas, size_t running, size_t queued) {
  SystemClock clock;
  Gate gate(clock);
  auto policy = SomePolicy();
  (void)gate.Ask(canvas, policy->For(canvas, ""), running, queued);  // has the only token
  for (auto _ : state) {
    auto refusal = gate.Ask(canvas, policy->For(canvas, "GET /"), running, queued);
    if (!refusal) state.SkipWithError("it was let in");
    benchmark::DoNotOptimize(refusal);
  }
  state.SetItemsProcessed(state.iterations());
}

void OverTheRate(benchmark::State& state) {
  Refusals(state, "busy", 0, 0);
}
void OverConcurrency(benchmark::State& state) {
  Refusals(state, "busy", 16, 64);
}
void Suspended(benchmark::State& state) {
  Refusals(state, "banned", 0, 0);
}
// The rule alone, with limits that are there already.
void RuleAlone(benchmark::State& state) {
  policy::Limits limits = SomePolicy()->For("busy", "");
  policy::AdmissionState bucket;
  MonoTime now{std::chrono::hours(1)};
  (void)policy::Admit(bucket, limits, now, 0, 0);
  for (auto _ : state) benchmark::DoNotOptimize(policy::Admit(bucket, limits, now, 0, 0));
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(OverTheRate);
BENCHMARK(OverConcurrency);
BENCHMARK(Suspended);
BENCHMARK(RuleAlone);

}  // namespace
}  // namespace nightjar

BENCHMARK_MAIN();
