// How fast is the evaluator, untraced and traced?
//
// Each program is one handler, run as a worker runs it: from the decoded request to the response's
// bytes, in a fresh arena. fib(20) is calls and integers alone; fizzbuzz is classic Dark's own
// benchmark; lists of 100,000 are what its programs are made of; text is built piece by piece, as
// programs do without a string builder; json reads and prints a document of 200 rows. peers/ has
// the same programs in other languages. `traced` records every event into a ring that nobody but
// this program empties, outside the clock.
#include <benchmark/benchmark.h>

#include <map>
#include <memory>
#include <string>

#include "ipc/core/check.h"
#include "ipc/core/fd.h"
#include "ipc/ring/consumer.h"
#include "ipc/ring/producer.h"
#include "worker/engine.h"
#include "worker/trace/trace_clock.h"

namespace nightjar {
namespace {

constexpr std::string_view kPrograms = R"(
[fn fib n:Int -> Int]
if n < 2 then n else (fib (n - 1)) + (fib (n - 2))

[http-handler GET /fib]
fib 20

[http-handler GET /fizzbuzz]
List.range_v0 1 100 |> List.map_v0 (fun n ->
  if n % 15 == 0 then "FizzBuzz"
  else if n % 3 == 0 then "Fizz"
  else if n % 5 == 0 then "Buzz"
  else toString_v0 n)

[http-handler GET /lists]
List.range_v0 1 100000
|> List.map_v0 (fun x -> x * 3)
|> List.filter_v2 (fun x -> x % 2 == 0)
|> List.fold_v0 0 (fun sum x -> sum + x)

[http-handler GET /text]
List.fold_v0 (List.range_v0 1 10000) "" (fun text n -> text ++ (toString_v0 n) ++ ", ")
|> String.length_v1

[http-handler GET /dict]
List.fold_v0 (List.range_v0 1 10000) {} (fun counts n ->
  let key = toString_v0 (n % 100)
  Dict.set_v0 counts key (1 + (Option.withDefault_v0 (Dict.get_v2 counts key) 0)))
|> Dict.size_v0

[http-handler GET /records]
List.fold_v0 (List.range_v0 1 10000) { a = 1; b = 2; sum = 0 } (fun record n ->
  { a = record.b; b = record.a; sum = record.sum + record.a * n })

[http-handler GET /hello]
"hello"
)";

// As a text literal of the language.
std::string JsonProgram() {
  std::string rows;
  for (int n = 1; n <= 200; ++n) {
    std::string number = std::to_string(n);
    rows += std::string(n > 1 ? ", " : "") + R"({"id": )" + number + R"(, "name": "row )" + number +
            R"(", "price": )" + number + R"(.5, "tags": ["a", "b"], "open": )" +
            (n % 2 == 0 ? "true}" : "false}");
  }
  return "\n[http-handler GET /json]\nmatch JSON.parse_v1 \"\"\"{\"rows\": [" + rows +
         "]}\"\"\" with\n| Ok document -> String.length_v1 (Dict.toJSON_v0 document)\n| _ -> 0\n";
}

class Rig {
 public:
  Rig() {
    CompileOutcome compiled = engine_->Compile("bench", std::string(kPrograms) + JsonProgram());
    CHECK(compiled.diagnostics.empty());
    CHECK(engine_->Load(compiled.program));
    for (const proto::HandlerEntry& handler : compiled.manifest.handlers())
      tlids_[handler.route()] = handler.tlid();
  }

  uint64_t Run(const std::string& route, uint64_t trace_bytes_max) {
    proto::Run run;
    run.set_run_id(std::string(16, 'r'));
    run.set_tlid(tlids_.at(route));
    run.mutable_http()->set_method("GET");
    run.mutable_http()->set_url("http://bench.localhost" + route);
    run.mutable_limits()->set_call_depth_max(1000);
    run.mutable_limits()->set_output_bytes_max(1 << 20);
    run.mutable_limits()->set_trace_bytes_max(trace_bytes_max);
    RunOutcome outcome = engine_->Run(run, "", recorder_);
    CHECK(outcome.status == 200);
    return recorder_.events();
  }
  void EmptyRing() {
    CHECK(consumer_.Drain([](auto) {}, SIZE_MAX));
  }

 private:
  std::unique_ptr<Engine> engine_ = CreateDarkEngine();
  std::map<std::string, uint64_t> tlids_;
  Fd fd_ = *CreateSizedMemfd("bench", RingBytes());
  Mapping mapping_ = *Mapping::Create(fd_, RingBytes(), Mapping::Access::kReadWrite);
  RingProducer producer_{mapping_.bytes()};
  RingConsumer consumer_{mapping_.bytes()};
  Recorder recorder_{&producer_};
};

Rig& TheRig() {
  static Rig rig;
  return rig;
}

void Untraced(benchmark::State& state, const std::string& route) {
  for (auto _ : state) TheRig().Run(route, 0);
}

// The budget is what the ring holds: beyond it, events are dropped, which is another price.
void Traced(benchmark::State& state, const std::string& route) {
  uint64_t events = 0;
  for (auto _ : state) {
    events += TheRig().Run(route, bounds::kRingStreamBytes / 2);
    state.PauseTiming();
    TheRig().EmptyRing();
    state.ResumeTiming();
  }
  state.counters["events"] = static_cast<double>(events) / static_cast<double>(state.iterations());
}

const int kRegistered = [] {
  for (const char* route :
       {"/hello", "/fizzbuzz", "/fib", "/lists", "/text", "/dict", "/records", "/json"}) {
    std::string name = std::string(route).substr(1);
    benchmark::RegisterBenchmark((name + "/untraced").c_str(), Untraced, route)
        ->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark((name + "/traced").c_str(), Traced, route)
        ->Unit(benchmark::kMicrosecond);
  }
  return 0;
}();

}  // namespace
}  // namespace nightjar

int main(int argc, char** argv) {
  nightjar::TraceClock::Calibrate();  // as the zygote does
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
