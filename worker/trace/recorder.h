// Writes everything a run does into the worker's ring, as it happens, so that the writer has it even if the worker never
// returns.
//
// The engine calls it on its only thread; nothing here blocks for long, allocates per event, or fails: what does not fit is dropped and
// counted, and a Gap says where. Values are given as the engine's own type V, for which a function
//     void WriteValue(const V& value, ValueWriter& out);
// is found by argument-dependent lookup. The recorder keeps the stack of open calls; the engine only pairs OpenCall with CloseCall.
// When trace_bytes_max is 0 nothing is recorded and every call is a cheap no-op.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "ipc/core/ids.h"
#include "ipc/ring/producer.h"
#include "worker/trace/value_writer.h"

namespace nightjar {

class Recorder {
 public:
  enum class Kind { kFunction = 1, kLambda = 2, kBuiltin = 3 };  // proto::CallKind's numbers
  struct RunOptions {
    uint64_t trace_bytes_max = 0;
  };

  explicit Recorder(RingProducer* ring);  // not owned

  template <typename V> void StartRun(const RunId& run, const RunOptions& options, const V& input);
  // A call that can call others or has effects. Returns its call id, for CloseCall.
  template <typename V>
  uint64_t OpenCall(Kind kind, std::string_view fn, uint64_t expr_id, std::span<const V> args);
  template <typename V> void CloseCall(uint64_t call_id, const V& result);
  // A pure built-in, already computed: one event.
  template <typename V>
  void PureCall(std::string_view fn, uint64_t expr_id, std::span<const V> args, const V& result);
  void TakeBranch(uint64_t expr_id, uint32_t arm);
  template <typename V> void FinishRun(const V& result);

  // Of the current or last run.
  uint64_t bytes() const;
  uint64_t events() const;
  uint64_t dropped() const;
};

}  // namespace nightjar
