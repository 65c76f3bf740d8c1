#include "worker/trace/recorder.h"

namespace nightjar {
namespace {

// Enough for nearly every run; deeper ones let the stack grow by doubling.
constexpr size_t kOpenCallsAtFirst = 256;

}  // namespace

Recorder::Recorder(RingProducer* ring) : ring_(ring), stream_(ring) {
  open_.reserve(kOpenCallsAtFirst);
}

size_t Recorder::BeginRun(const RunId& run, const RunOptions& options) {
  open_.clear();
  calls_ = 0;
  start_ticks_ = clock_.Ticks();
  stream_.StartRun(run, options.trace_bytes_max);
  on_ = options.trace_bytes_max > 0;
  if (!on_) return 0;
  BeginEvent();
  event_.OpenKind<3>();
  event_.PutBytes<1>(run.bytes());
  PutVariables(options.variables);
  return std::min<size_t>(bounds::kTraceEventBytes / 2, stream_.RoomFor(Share::kAny) / 4);
}

void Recorder::PutVariables(std::span<const Variable> variables) {
  size_t room = std::min<size_t>(bounds::kTraceVariablesBytes, stream_.RoomFor(Share::kAny) / 4);
  for (const Variable& variable : variables) {
    size_t bytes = EventBuffer::PairBytes(variable.name, variable.value);
    if (bytes > room) return event_.PutUint<4>(1);
    event_.PutPair<3>(variable.name, variable.value);
    room -= bytes;
  }
}

size_t Recorder::BeginEnd() {
  while (!open_.empty()) PopCall();
  on_ = false;
  BeginEvent();
  event_.OpenKind<8>();
  return std::min<size_t>(bounds::kTraceEventBytes / 2, stream_.RoomFor(Share::kEnd));
}

void Recorder::BeginEvent() {
  now_ticks_ = clock_.Ticks();
  uint64_t at_ns = clock_.NanosBetween(start_ticks_, now_ticks_);
  event_.Begin(stream_.CountEvent(at_ns), at_ns);
}

void Recorder::BeginCall(Kind kind, std::string_view fn, uint64_t expr_id) {
  BeginEvent();
  event_.OpenKind<4>();
  event_.PutUint<1>(++calls_);
  if (!open_.empty()) {
    SpineFrame& caller = open_.back().frame;
    event_.PutUint<2>(caller.call_id);
    ring_->ShowCalls(open_.size() - 1, ++caller.calls);
  }
  event_.PutUint<3>(static_cast<uint64_t>(kind));
  if (!fn.empty()) event_.PutName<4>(fn);
  event_.PutUint<5>(expr_id);
}

uint64_t Recorder::FinishOpenCall(Kind kind, std::string_view fn, uint64_t expr_id) {
  bool streamed = stream_.Write(event_.Finish(), Share::kAny);
  SpineFrame frame{calls_,
                   expr_id,
                   clock_.NanosBetween(start_ticks_, now_ticks_),
                   0,
                   static_cast<uint32_t>(kind),
                   fn};
  ring_->PushFrame(open_.size(), frame);
  open_.push_back({frame, now_ticks_, streamed});
  return calls_;
}

void Recorder::PopCall() {
  open_.pop_back();
  ring_->PopFrame(open_.size());
  if (RingProducer::NeedsRestoring(open_.size())) {
    size_t depth = open_.size() - bounds::kSpineFrames;
    ring_->RestoreFrame(depth, open_[depth].frame);
  }
}

bool Recorder::BeginReturn(uint64_t call_id) {
  // Ids grow with depth. What is above the call was left without a result: by the error rail, say.
  while (!open_.empty() && open_.back().frame.call_id > call_id) PopCall();
  if (open_.empty() || open_.back().frame.call_id != call_id) return false;
  uint64_t opened_ticks = open_.back().opened_ticks;
  return_streams_ = open_.back().streamed;
  PopCall();
  BeginEvent();
  event_.OpenKind<5>();
  event_.PutUint<1>(call_id);
  event_.PutUint<3>(clock_.NanosBetween(opened_ticks, now_ticks_));
  return true;
}

void Recorder::TakeBranch(uint64_t expr_id, uint32_t arm) {
  if (!on_) return;
  BeginEvent();
  event_.OpenKind<6>();
  event_.PutUint<1>(expr_id);
  event_.PutUint<2>(arm);
  stream_.Write(event_.Finish(), Share::kAny);
}

void Recorder::Output(Stream stream, std::string_view bytes) {
  if (!on_) return;
  BeginEvent();
  event_.OpenKind<9>();
  event_.PutUint<1>(static_cast<uint64_t>(stream));
  event_.PutBytes<2>(bytes.substr(0, bounds::kTraceValueBytes));
  stream_.Write(event_.Finish(), Share::kAny);
}

}  // namespace nightjar
