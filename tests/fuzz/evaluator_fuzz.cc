// Any canvas: compiled, and every handler run within small limits. It ends, by itself or at one of
// them; its status is one of HTTP's.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ipc/core/fd.h"
#include "ipc/ring/consumer.h"
#include "ipc/ring/producer.h"
#include "tests/fuzz/must.h"
#include "worker/engine.h"

namespace nightjar {
namespace {

using fuzz::Must;

constexpr int kHandlersRun = 4;

// The same for every input: an engine lives through many programs.
struct Rig {
  std::unique_ptr<Engine> engine = CreateDarkEngine();
  Fd fd = *CreateSizedMemfd("trace", RingBytes());
  Mapping mapping = *Mapping::Create(fd, RingBytes(), Mapping::Access::kReadWrite);
  RingProducer producer{mapping.bytes()};
  RingConsumer consumer{mapping.bytes()};
  Recorder recorder{&producer};
};

proto::Run RunOf(const proto::HandlerEntry& entry) {
  proto::Run run;
  run.set_run_id(std::string(16, 'r'));
  run.set_tlid(entry.tlid());
  proto::RunLimits& limits = *run.mutable_limits();
  limits.set_call_depth_max(100);
  limits.set_steps_max(2000);
  limits.set_output_bytes_max(64 * 1024);
  limits.set_trace_bytes_max(64 * 1024);
  limits.set_value_bytes_max(64 << 20);
  if (entry.kind() != proto::HANDLER_KIND_HTTP) {
    run.set_json("{\"a\": [1, 2.5, \"x\", null]}");
    return run;
  }
  run.mutable_http()->set_method(entry.method());
  run.mutable_http()->set_path("/a/b");
  return run;
}

void One(std::string_view source) {
  static Rig* rig = new Rig;
  CompileOutcome compiled = rig->engine->Compile("fuzz.dark", source);
  if (compiled.program.empty()) {
    Must(!compiled.diagnostics.empty(), "what does not compile says why");
    return;
  }
  Status loaded = rig->engine->Load(compiled.program);
  Must(loaded.has_value(), "what was compiled can be loaded");
  for (int i = 0; i < std::min(kHandlersRun, compiled.manifest.handlers_size()); ++i) {
    RunOutcome outcome =
        rig->engine->Run(RunOf(compiled.manifest.handlers(i)), "{\"k\": [1]}", rig->recorder);
    Must(outcome.limit_hit != proto::SELF_LIMIT_UNSPECIFIED || outcome.status == 0 ||
             (outcome.status >= 100 && outcome.status <= 999),
         "a run ends at a limit or with a status");
    auto drained = rig->consumer.Drain([](std::span<const std::byte>) {}, SIZE_MAX);
    Must(drained.has_value(), "the trace's ring stays whole");
  }
}

}  // namespace
}  // namespace nightjar

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nightjar::One({reinterpret_cast<const char*>(data), size});
  return 0;
}
