#include "conformance/evaluation.h"

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "worker/lang/evaluator.h"
#include "worker/lang/lower.h"
#include "worker/lang/stack_guard.h"
#include "worker/lang/unicode.h"

namespace nightjar::conformance {
namespace {

constexpr uint64_t kDepthMax = 1000;
constexpr uint64_t kTraceBytes = 64 * bounds::kKiB;

std::unique_ptr<UndrainedRing> MakeRing() {
  auto ring = UndrainedRing::Create();
  CHECK(ring.has_value());
  return std::move(*ring);
}

}  // namespace

Evaluation::Evaluation(const lang::Library& library) : library_(library), ring_(MakeRing()) {
  lang::WarmUnicode();
  lang::StackGuard::Arm();
}

Evaluation::~Evaluation() = default;

Status Evaluation::Load(const proto::Program& program) {
  NJ_ASSIGN(lang::Lowered lowered, lang::Lower(program, library_));
  code_ = std::move(lowered.code);
  arena_.Reset();
  faults_ = 0;
  return {};
}

Result<lang::Dval> Evaluation::Run(uint64_t tlid) {
  auto handler = code_->handlers.find(tlid);
  if (handler == code_->handlers.end()) return Fail(ErrorCode::kNotFound, "no such handler");
  lang::Dval input;
  Recorder& recorder = ring_->recorder();
  lang::Evaluator evaluator(&arena_, &recorder, {.call_depth_max = kDepthMax});
  recorder.StartRun(RunId(), {.trace_bytes_max = kTraceBytes}, input);
  try {
    lang::Dval result = evaluator.Run(handler->second, {&input, 1});
    recorder.FinishRun(result);
    faults_ += evaluator.faults();
    return result;
  } catch (const lang::LimitReached&) {
    return Fail(ErrorCode::kExhausted, "calls are nested too deep");
  } catch (const lang::StackExhausted&) {
    return Fail(ErrorCode::kExhausted, "values are nested too deep");
  } catch (const std::bad_alloc&) {
    return Fail(ErrorCode::kExhausted, "more memory than there is");
  }
}

}  // namespace nightjar::conformance
