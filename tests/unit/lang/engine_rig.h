// An engine with its ring, and a canvas that a test writes down.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "ipc/core/fd.h"
#include "ipc/proto/replay.pb.h"
#include "ipc/proto/trace.pb.h"
#include "ipc/ring/consumer.h"
#include "ipc/ring/producer.h"
#include "worker/engine.h"

namespace nightjar::testing {

class EngineRig {
 public:
  EngineRig() {
    limits.set_call_depth_max(1000);
    limits.set_output_bytes_max(1 << 20);
    limits.set_trace_bytes_max(1 << 19);
  }

  // Compiles and loads; what the compiler said is in `diagnostics`.
  void Load(const std::string& canvas) {
    CompileOutcome compiled = engine->Compile("test.dark", canvas);
    diagnostics = compiled.diagnostics;
    manifest = compiled.manifest;
    for (const proto::Diagnostic& diagnostic : diagnostics)
      EXPECT_TRUE(diagnostic.warning()) << diagnostic.line() << ": " << diagnostic.message();
    Status loaded = engine->Load(compiled.program);
    EXPECT_TRUE(loaded) << loaded.error().ToString();
  }

  // Runs the handler of this name with `request`.
  RunOutcome Run(const std::string& handler) {
    proto::Run run;
    run.set_run_id(std::string(16, 'r'));
    for (const proto::HandlerEntry& entry : manifest.handlers())
      if (entry.name() == handler) run.set_tlid(entry.tlid());
    *run.mutable_http() = request;
    return RunAndRead(run, body);
  }
  // Does an earlier run of the handler again.
  RunOutcome RunAgain(const std::string& handler, const proto::Replay& replay, bool live = false) {
    proto::Run run;
    run.set_run_id(std::string(16, 'a'));
    for (const proto::HandlerEntry& entry : manifest.handlers())
      if (entry.name() == handler) run.set_tlid(entry.tlid());
    run.mutable_again()->set_live(live);
    return RunAndRead(run, replay.SerializeAsString());
  }
  RunOutcome RunAndRead(proto::Run& run, const std::string& with) {
    *run.mutable_limits() = limits;
    RunOutcome outcome = engine->Run(run, with, recorder);
    events.clear();
    auto drained = consumer.Drain(
        [&](std::span<const std::byte> record) {
          EXPECT_TRUE(
              events.emplace_back().ParseFromArray(record.data(), static_cast<int>(record.size())));
        },
        SIZE_MAX);
    EXPECT_TRUE(drained);
    return outcome;
  }
  // The same with an event, as worker, cron and REPL handlers get it.
  RunOutcome RunEvent(const std::string& handler, const std::string& json) {
    proto::Run run;
    for (const proto::HandlerEntry& entry : manifest.handlers())
      if (entry.name() == handler) run.set_tlid(entry.tlid());
    run.set_json(json);
    *run.mutable_limits() = limits;
    return engine->Run(run, "", recorder);
  }

  // What one expression prints: the body of its response.
  std::string Eval(const std::string& expression, const std::string& toplevels = "") {
    Load(toplevels + "\n[http-handler GET /]\n" + expression + "\n");
    return Run("GET /").body;
  }
  // The message of the error that it is; "" when it is none.
  std::string ErrorOf(const std::string& expression, const std::string& toplevels = "") {
    Load(toplevels + "\n[http-handler GET /]\n" + expression + "\n");
    return Run("GET /").error;
  }

  void AddHeader(const std::string& name, const std::string& value) {
    proto::RawHeader& header = *request.add_headers();
    header.set_name(name);
    header.set_value(value);
  }

  std::unique_ptr<Engine> engine = CreateDarkEngine();
  std::vector<proto::Diagnostic> diagnostics;
  proto::Manifest manifest;
  proto::HttpRequest request;
  std::string body;
  proto::RunLimits limits;
  std::vector<proto::TraceEvent> events;  // of the last Run()

  Fd fd = *CreateSizedMemfd("trace", RingBytes());
  Mapping mapping = *Mapping::Create(fd, RingBytes(), Mapping::Access::kReadWrite);
  RingProducer producer{mapping.bytes()};
  RingConsumer consumer{mapping.bytes()};
  Recorder recorder{&producer};
};

}  // namespace nightjar::testing
