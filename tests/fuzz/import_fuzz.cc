// Any file as a trace that classic Dark stored: looked at, then imported into a canvas. It is
// refused with a reason, or makes events that are whole and in order, and that the redaction of
// names does not let through.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ipc/core/bounds.h"
#include "ipc/proto/trace.pb.h"
#include "tests/fuzz/must.h"
#include "worker/engine.h"

namespace nightjar {
namespace {

using fuzz::Must;

// The same for every input.
std::unique_ptr<Engine> MakeEngine() {
  std::unique_ptr<Engine> engine = CreateDarkEngine();
  CompileOutcome compiled = engine->Compile("fuzz.dark", "[fn f a:Any b:Any]\na\n[worker W]\n1\n");
  Must(engine->Load(compiled.program).has_value(), "the canvas can be loaded");
  return engine;
}

// The size that stands before an event.
size_t TakeSize(std::string_view& rest) {
  size_t size = 0;
  for (int shift = 0; !rest.empty(); shift += 7) {
    auto byte = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    size |= static_cast<size_t>(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return size;
}

void CheckEvents(const ImportOutcome& outcome) {
  std::string_view rest = outcome.events;
  Must(outcome.answer.events_bytes() == rest.size(), "it says how much there is");
  uint64_t seq = 0;
  while (!rest.empty()) {
    size_t size = TakeSize(rest);
    Must(size <= rest.size() && size <= bounds::kTraceEventBytes, "an event is whole");
    proto::TraceEvent event;
    Must(event.ParseFromArray(rest.data(), static_cast<int>(size)), "an event can be read");
    Must(event.has_run_start() == (seq == 0) && event.seq() > seq, "events are in order");
    seq = event.seq();
    rest.remove_prefix(size);
  }
  Must(seq == outcome.answer.events() + outcome.answer.dropped(), "every event is accounted for");
}

void One(std::string_view object) {
  static Engine* engine = MakeEngine().release();
  proto::Import order;
  order.set_look(true);
  ImportOutcome seen = engine->Import(order, object);
  Must(seen.events.empty(), "a look makes no events");
  if (!seen.answer.wrong().empty()) return;
  order.set_look(false);
  order.set_run_id(std::string(16, 'r'));
  order.set_trace_bytes_max(64 * bounds::kKiB);
  order.mutable_redaction()->add_drop("defaults");
  order.mutable_redaction()->add_hash("a");
  order.mutable_redaction()->set_key("key");
  if (seen.answer.request()) order.set_method("GET");
  ImportOutcome outcome = engine->Import(order, object);
  Must(outcome.answer.wrong().empty(), "what could be looked at can be imported");
  CheckEvents(outcome);
}

}  // namespace
}  // namespace nightjar

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nightjar::One({reinterpret_cast<const char*>(data), size});
  return 0;
}
