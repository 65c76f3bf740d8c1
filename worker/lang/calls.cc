// How the evaluator calls: the checks around a call, its frame, and its events in the trace.
#include <map>

#include "worker/lang/evaluator.h"
#include "worker/lang/repr.h"
#include "worker/lang/secret_mask.h"
#include "worker/lang/slots.h"
#include "worker/lang/stack_guard.h"

namespace nightjar::lang {

// A call that can call others: counted, and open in the trace until Close(). When a limit or the
// end of memory throws through it, it stays open there: that is the stack which evidence shows.
class Evaluator::OpenCall {
 public:
  OpenCall(Evaluator& evaluator, Recorder::Kind kind, std::string_view name, uint64_t id,
           const Dval* args, size_t count)
      : evaluator_(evaluator) {
    evaluator.fuel_.Step();
    if (evaluator.options_.traced) {
      call_ = evaluator.recorder_.OpenCall(kind, name, id, std::span<const Dval>(args, count));
      evaluator.CheckTrace();
    }
    if (++evaluator.depth_ > evaluator.options_.call_depth_max) [[unlikely]]
      throw LimitReached{proto::SELF_LIMIT_CALL_DEPTH, evaluator.depth_};
  }
  OpenCall(const OpenCall&) = delete;
  OpenCall& operator=(const OpenCall&) = delete;

  Dval Close(const Dval& result) {
    --evaluator_.depth_;
    if (evaluator_.options_.traced) {
      evaluator_.recorder_.CloseCall(call_, result);
      evaluator_.CheckTrace();
    }
    return result;
  }

 private:
  Evaluator& evaluator_;
  uint64_t call_ = 0;
};

namespace {

// Where one stands in: the first fake argument, which is then the result.
const Dval* FirstFake(const Dval* args, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (args[i].fake()) return &args[i];
  return nullptr;
}

void HideTexts(const Dval* args, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (args[i].Is(Tag::kString)) SecretMask::HideInRun(args[i].view());
}

}  // namespace

Dval Evaluator::CallBuiltin(const CallNode* node, const Dval* args) {
  const Builtin& builtin = *node->builtin;
  size_t count = builtin.params.size();
  size_t index = 0;
  for (const Param& param : builtin.params) {
    if (!lang::Matches(param.type.kind, args[index]))
      return WrongArgument(builtin, index, args[index], node->id);
    ++index;
  }
  Call call{*this, arena_, args, builtin, node->id};
  if (builtin.purity == Purity::kPure) {
    fuel_.Step();
    Dval result = builtin.run(call);
    if (options_.traced) {
      recorder_.PureCall(builtin.full_name, node->id, std::span<const Dval>(args, count), result);
      CheckTrace();
    }
    return result;
  }
  if (builtin.takes_passwords) HideTexts(args, count);
  OpenCall open(*this, Recorder::Kind::kBuiltin, builtin.full_name, node->id, args, count);
  if (builtin.purity == Purity::kImpure && options_.replay != nullptr) [[unlikely]]
    if (auto answer = options_.replay->Answer(arena_, builtin.full_name))
      return open.Close(*answer);
  return open.Close(builtin.run(call));
}

Dval Evaluator::CallFunction(const CallNode* node, Dval* slots) {
  const FunctionCode& function = *node->function;
  size_t count = function.params.size();
  for (size_t i = 0; i < count; ++i)
    if (!Fits(function.params[i].type, slots[i])) [[unlikely]]
      return WrongParameters(function, slots, node->id);
  OpenCall open(*this, Recorder::Kind::kFunction, function.name, node->id, slots, count);
  Frame frame{slots, nullptr};
  Dval result = Eval(function.body, frame);
  // The rail ends with the function that a value is on it in.
  if (result.Is(Tag::kErrorRail)) result = *result.inner;
  if (!result.fake() && !Fits(function.returns, result)) [[unlikely]]
    result = MakeError(
        arena_, "Type error(s) in return type: " + Mismatch(function.returns, result), node->id);
  return open.Close(result);
}

Dval Evaluator::CallLambda(const Closure& closure, const Dval* args, size_t count,
                           uint64_t caller_id) {
  if (const Dval* fake = FirstFake(args, count)) return *fake;
  const LambdaCode& lambda = *closure.lambda;
  if (lambda.params != count)
    return MakeError(
        arena_,
        "Expected " + std::to_string(lambda.params) + " arguments, got " + std::to_string(count),
        caller_id);
  OpenCall open(*this, Recorder::Kind::kLambda, "", lambda.id, args, count);
  Slots slots(*this, lambda.frame_slots);
  for (size_t i = 0; i < count; ++i) slots[i] = args[i];  // too few for memmove
  Frame frame{slots.at(), closure.captured};
  return open.Close(Eval(lambda.body, frame));
}

Dval Evaluator::Invoke(const Dval& function, const Dval* args, size_t count, uint64_t caller_id) {
  StackGuard::Check();
  return CallLambda(*function.closure, args, count, caller_id);
}

// Every parameter that is wrong, in the order of their names, as classic Dark told them.
Dval Evaluator::WrongParameters(const FunctionCode& function, const Dval* args, uint64_t id) {
  std::map<std::string_view, std::string> wrong;
  for (size_t i = 0; i < function.params.size(); ++i) {
    std::string mismatch = Mismatch(function.params[i].type, args[i]);
    if (!mismatch.empty()) wrong[function.params[i].name] = std::move(mismatch);
  }
  std::string message;
  for (const auto& [name, mismatch] : wrong) message += (message.empty() ? "" : ", ") + mismatch;
  return MakeError(arena_, "Type error(s) in function parameters: " + message, id);
}

Dval Evaluator::WrongArgument(const Builtin& builtin, size_t index, const Dval& actual,
                              uint64_t id) {
  const Param& param = builtin.params[index];
  bool of_ints = builtin.module == "Int" || builtin.fast != IntOperator::kNone ||
                 (builtin.module.empty() && (builtin.name == "%" || builtin.name == "^"));
  std::string hint;
  if (param.type.kind == Kind::kInt && actual.Is(Tag::kFloat) && of_ints)
    hint = " Try using Float::" + std::string(builtin.name) +
           ", or use Float::truncate to truncate Floats to Ints.";
  if (param.type.kind == Kind::kInt && actual.Is(Tag::kString) && builtin.fast == IntOperator::kAdd)
    hint = " Use ++ to concatenate";
  return MakeError(arena_,
                   builtin.full_name + " was called with a " + std::string(TypeName(actual)) +
                       " (" + Repr(actual) + "), but `" + std::string(param.name) +
                       "` expected a " + std::string(KindName(param.type.kind)) + "." + hint,
                   id);
}

Dval Call::Invoke(const Dval& function, std::initializer_list<Dval> with) const {
  return evaluator.Invoke(function, with.begin(), with.size(), expr_id);
}

Dval Call::Fault() const {
  evaluator.CountFault();
  return Error("Unknown error");
}

Dval Call::ArgumentError(size_t index, std::string_view expected) const {
  const Param& param = builtin.params[index];
  return Error("Expected the argument `" + std::string(param.name) + "` to be " +
               std::string(expected) + ", but it was `" + Repr(args[index]) + "`");
}

Dval Call::WrongReturn(std::string_view parameter, std::string_view expected,
                       const Dval& returned) const {
  return Error("Expected `" + std::string(parameter) + "` to return " + std::string(expected) +
               ", but it returned `" + Repr(returned) + "`");
}

}  // namespace nightjar::lang
