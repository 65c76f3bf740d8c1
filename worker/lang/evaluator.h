// Evaluates code, as classic Dark does, and records what it does.
//
// One for a run. Fake values (error, incomplete, error rail) travel as values: each form says which
// of them stop it. Calls are counted for the limit of call depth. Everything it returns lives in
// the arena. It throws LimitReached when the program has reached a limit that the engine keeps,
// StackExhausted, and std::bad_alloc; the engine catches all three. Single thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "ipc/proto/worker.pb.h"
#include "worker/lang/code.h"
#include "worker/lang/fuel.h"
#include "worker/lang/replay.h"
#include "worker/trace/recorder.h"

namespace nightjar::lang {

class Evaluator {
 public:
  struct Options {
    uint64_t call_depth_max = 1000;
    uint64_t steps_max = 0;  // 0: no bound
    bool traced = true;
    bool trace_overflow_kills = false;
    Replay* replay = nullptr;  // set: answers impure calls
  };

  // None is owned; all outlive it.
  Evaluator(Arena* arena, Recorder* recorder, const Options& options)
      : arena_(*arena), recorder_(*recorder), options_(options) {
    fuel_.Fill(options.steps_max);
  }

  // `inputs` are the input and the route's variables.
  Dval Run(const HandlerCode& handler, std::span<const Dval> inputs);

  // Calls a function value that a library function was given.
  Dval Invoke(const Dval& function, const Dval* args, size_t count, uint64_t caller_id);

  // Of the calls that are open now.
  uint64_t depth() const { return depth_; }
  // Taken so far: see Fuel.
  uint64_t steps() const { return fuel_.steps(); }
  // How often a library function could not go on: see Call::Fault.
  uint64_t faults() const { return faults_; }
  void CountFault() { ++faults_; }

 private:
  struct Frame {
    Dval* slots;
    const Dval* captured;
  };
  class OpenCall;
  class Slots;
  // Where frames are: chunks of the arena, each larger than the one before.
  struct SlotStack {
    Dval* at = nullptr;
    Dval* end = nullptr;
    size_t chunks = 0;  // that are in use
  };

  Dval Eval(const Node* node, Frame& frame);
  Dval Operand(const Node* node, Frame& frame);
  [[gnu::noinline]] void EnterChunk(size_t count);
  Dval Both(const BothNode* node, Frame& frame);
  Dval MakeLambda(const LambdaNode* node, Frame& frame);
  Dval Field(const FieldNode* node, Frame& frame);
  Dval List(const ItemsNode* node, Frame& frame);
  Dval Tuple(const ItemsNode* node, Frame& frame);
  Dval Record(const RecordNode* node, Frame& frame);
  const Node* MatchArm(const MatchNode* node, Frame& frame);
  bool Matches(const PatternCode& pattern, const Dval& value, Frame& frame);
  bool TakesNew(const BranchNode* node, Frame& frame);
  Dval Apply(const ApplyNode* node, Frame& frame);
  Dval CallOperator(const CallNode* node, Frame& frame);
  // Arrays would make its frame large and guarded.
  [[gnu::noinline]] Dval OperatorOfOthers(const CallNode* node, Dval a, Dval b);
  [[gnu::noinline]] void RecordOperator(const CallNode* node, Dval a, Dval b, Dval result);
  Dval CallOwn(const CallNode* node, Frame& frame);
  Dval CallMany(const CallNode* node, Frame& frame);
  Dval Dispatch(const CallNode* node, const Dval* args, size_t count);
  Dval CallOddly(const CallNode* node, const Dval* args, size_t count, bool fake);
  // Of arguments that are as many as the parameters, and none of them fake.
  Dval CallBuiltin(const CallNode* node, const Dval* args);
  // `slots` is the function's frame, its arguments already in place.
  Dval CallFunction(const CallNode* node, Dval* slots);
  Dval CallLambda(const Closure& closure, const Dval* args, size_t count, uint64_t caller_id);
  // What goes wrong is told in functions of their own: strings would make every frame large.
  [[gnu::noinline]] Dval Unbound(const UnboundNode* node);
  [[gnu::noinline]] Dval NoCondition(const Dval& condition);
  [[gnu::noinline]] Dval NoObject(const Dval& object, uint64_t id);
  [[gnu::noinline]] Dval WrongCount(const CallNode* node, size_t expected, size_t count);
  [[gnu::noinline]] Dval WrongParameters(const FunctionCode& function, const Dval* args,
                                         uint64_t id);
  [[gnu::noinline]] Dval WrongArgument(const Builtin& builtin, size_t index, const Dval& actual,
                                       uint64_t id);
  Dval OnRail(const Dval& result);

  // For the trace's own limit, after an event.
  void CheckTrace() {
    if (options_.trace_overflow_kills && recorder_.overflowed()) [[unlikely]]
      throw LimitReached{proto::SELF_LIMIT_TRACE, recorder_.bytes()};
  }
  void TakeBranch(uint64_t id, uint32_t arm) {
    fuel_.Step();
    if (!options_.traced) return;
    recorder_.TakeBranch(id, arm);
    CheckTrace();
  }

  Arena& arena_;
  Recorder& recorder_;
  const Options options_;
  Fuel fuel_;
  SlotStack slots_;
  std::vector<std::span<Dval>> chunks_;
  uint64_t depth_ = 0;
  uint64_t faults_ = 0;
};

}  // namespace nightjar::lang
