// Writes everything a run does into the worker's ring, as it happens, so that the writer has it
// even if the worker never returns.
//
// The engine calls it on its only thread; nothing here blocks for long, allocates per event, or
// fails: what does not fit is dropped and counted, and a Gap says where. Values are given as the
// engine's own type V, for which a function
//     void WriteValue(const V& value, ValueWriter& out);
// is found by argument-dependent lookup. The recorder keeps the stack of open calls; the engine
// only pairs OpenCall with CloseCall. When trace_bytes_max is 0 nothing is recorded and every call
// is a cheap no-op.
//
// The budget: the stream of one run gets at most trace_bytes_max encoded bytes. Seven eighths of it
// are for anything; the rest is kept for the returns of calls that are in the stream, with small
// values, and for the end of the run. Once the seven eighths are used, every other event is dropped
// from the stream and goes to the ring's tail instead, where the newest survive the worker.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ipc/core/bounds.h"
#include "ipc/core/ids.h"
#include "ipc/ring/producer.h"
#include "worker/trace/event_buffer.h"
#include "worker/trace/event_stream.h"
#include "worker/trace/trace_clock.h"
#include "worker/trace/value_writer.h"

namespace nightjar {

class Recorder {
 public:
  // proto::CallKind's numbers
  enum class Kind { kFunction = 1, kLambda = 2, kBuiltin = 3, kProgram = 4 };
  enum class Stream { kStandardOutput = 1, kStandardError = 2 };  // a program's descriptors
  // Of the route; UTF-8.
  struct Variable {
    std::string_view name;
    std::string_view value;
  };
  struct RunOptions {
    uint64_t trace_bytes_max = 0;  // 0: record nothing
    std::span<const Variable> variables = {};
  };

  explicit Recorder(RingProducer* ring);  // not owned

  template <typename V>
  void StartRun(const RunId& run, const RunOptions& options, const V& input);
  // A call that can call others or has effects. Returns its call id, for CloseCall. `fn` is kept
  // until the call is closed: it is the name in the program or in the library's table, not a
  // temporary.
  template <typename V>
  uint64_t OpenCall(Kind kind, std::string_view fn, uint64_t expr_id, std::span<const V> args);
  // Closes calls opened since that were left without a result, too.
  template <typename V>
  void CloseCall(uint64_t call_id, const V& result);
  // A pure built-in, already computed: one event.
  template <typename V>
  void PureCall(std::string_view fn, uint64_t expr_id, std::span<const V> args, const V& result);
  // arm as in proto::Branch.
  void TakeBranch(uint64_t expr_id, uint32_t arm);
  // What a program wrote: at most bounds::kTraceValueBytes.
  void Output(Stream stream, std::string_view bytes);
  template <typename V>
  void FinishRun(const V& result);

  // Of the current or last run.
  uint64_t bytes() const { return stream_.bytes(); }      // encoded, in the stream
  uint64_t events() const { return stream_.events(); }    // dropped ones included
  uint64_t dropped() const { return stream_.dropped(); }  // not in the stream
  // The budget is used up and events were dropped for it: where policy says so, the engine ends the
  // run.
  bool overflowed() const { return stream_.overflowed(); }

 private:
  using Share = EventStream::Share;
  // Once events are dropped, what is written goes to the tail, where only the newest few survive:
  // large values are no longer worth their walk.
  size_t ValueBytesMax() const {
    return stream_.overflowed() ? bounds::kTraceTailValueBytes : bounds::kTraceValueBytes;
  }
  struct OpenedCall {
    SpineFrame frame;
    uint64_t opened_ticks;
    bool streamed;
  };

  // Each Begin puts everything of its event but the values; these two return how large the one
  // value may be.
  size_t BeginRun(const RunId& run, const RunOptions& options);  // 0: nothing is to be recorded
  void PutVariables(std::span<const Variable> variables);
  size_t BeginEnd();
  void BeginCall(Kind kind, std::string_view fn, uint64_t expr_id);
  // Closes calls down to and with this one. False: it is not open.
  bool BeginReturn(uint64_t call_id);
  void BeginEvent();
  template <typename V>
  void PutArgs(std::span<const V> args, size_t kept_free);
  uint64_t FinishOpenCall(Kind kind, std::string_view fn, uint64_t expr_id);
  void PopCall();

  RingProducer* const ring_;
  const TraceClock clock_;
  EventStream stream_;
  EventBuffer event_;
  std::vector<OpenedCall> open_;  // as deep as the engine's own stack, which its depth limit bounds
  bool on_ = false;               // a run is being recorded
  bool return_streams_ = false;   // the call that is returning is in the stream
  uint64_t calls_ = 0;
  uint64_t start_ticks_ = 0;
  uint64_t now_ticks_ = 0;  // of the event being written
};

template <typename V>
void Recorder::StartRun(const RunId& run, const RunOptions& options, const V& input) {
  size_t bytes_max = BeginRun(run, options);
  if (bytes_max == 0) return;
  event_.PutValue<2>(input, bytes_max);
  stream_.Write(event_.Finish(), Share::kAny);
}

template <typename V>
void Recorder::PutArgs(std::span<const V> args, size_t kept_free) {
  size_t count = std::min(args.size(), bounds::kTraceArgs);
  for (size_t i = 0; i < count; ++i) {
    // Each may be as large as any value while they all could; otherwise what is left is shared
    // fairly.
    size_t room = event_.Room() - kept_free;
    size_t left = count - i;
    event_.PutValue<6>(args[i], room >= left * ValueBytesMax() ? ValueBytesMax() : room / left);
  }
}

template <typename V>
uint64_t Recorder::OpenCall(Kind kind, std::string_view fn, uint64_t expr_id,
                            std::span<const V> args) {
  if (!on_) return 0;
  BeginCall(kind, fn, expr_id);
  PutArgs(args, 0);
  return FinishOpenCall(kind, fn, expr_id);
}

template <typename V>
void Recorder::PureCall(std::string_view fn, uint64_t expr_id, std::span<const V> args,
                        const V& result) {
  if (!on_) return;
  BeginCall(Kind::kBuiltin, fn, expr_id);
  PutArgs(args, ValueBytesMax());
  event_.PutValue<7>(result, ValueBytesMax());
  stream_.Write(event_.Finish(), Share::kAny);
}

template <typename V>
void Recorder::CloseCall(uint64_t call_id, const V& result) {
  if (!on_ || !BeginReturn(call_id)) return;
  // In the reserve, a small result leaves room for the other returns.
  bool reserve = return_streams_ && stream_.overflowed();
  event_.PutValue<2>(result, reserve ? bounds::kTraceReserveValueBytes : ValueBytesMax());
  stream_.Write(event_.Finish(), return_streams_ ? Share::kReturn : Share::kAny);
}

template <typename V>
void Recorder::FinishRun(const V& result) {
  if (!on_) return;
  size_t bytes_max = BeginEnd();
  event_.PutValue<1>(result, bytes_max);
  stream_.Write(event_.Finish(), Share::kEnd);
}

}  // namespace nightjar
