#include "worker/lang/evaluator.h"

#include "worker/lang/int_operators.h"
#include "worker/lang/repr.h"
#include "worker/lang/slots.h"
#include "worker/lang/stack_guard.h"

namespace nightjar::lang {
namespace {

// As an if has it: what is not false or null is true.
bool Falsy(const Dval& value) {
  return value.Is(Tag::kNull) || (value.Is(Tag::kBool) && !value.boolean());
}

bool HandlesErrors(const CallNode* node) {
  return node->op == Op::kCallBuiltin && node->builtin->module == "Bool" &&
         node->builtin->name == "isError";
}

constexpr size_t kFirstSlots = 256;

}  // namespace

Dval Evaluator::Run(const HandlerCode& handler, std::span<const Dval> inputs) {
  Slots slots(*this, handler.frame_slots);
  std::copy(inputs.begin(), inputs.end(), slots.at());
  Frame frame{slots.at(), nullptr};
  return Eval(handler.body, frame);
}

// The next one that is large enough: those between stay unused until this call returns.
void Evaluator::EnterChunk(size_t count) {
  while (slots_.chunks < chunks_.size() && chunks_[slots_.chunks].size() < count) ++slots_.chunks;
  if (slots_.chunks == chunks_.size()) {
    size_t size = std::max(count, chunks_.empty() ? kFirstSlots : 2 * chunks_.back().size());
    chunks_.emplace_back(arena_.Array<Dval>(size), size);
  }
  std::span<Dval> chunk = chunks_[slots_.chunks++];
  slots_.at = chunk.data();
  slots_.end = chunk.data() + chunk.size();
}

// Most operands are a variable or a constant, which need no frame of their own.
inline Dval Evaluator::Operand(const Node* node, Frame& frame) {
  if (node->op == Op::kLocal) return frame.slots[static_cast<const SlotNode*>(node)->index];
  if (node->op == Op::kConstant) return static_cast<const ConstantNode*>(node)->value;
  if (node->op == Op::kCallOperator) return CallOperator(static_cast<const CallNode*>(node), frame);
  return Eval(node, frame);
}

// What stands last in a form goes round this loop, so that a chain of lets or elses is not deep.
Dval Evaluator::Eval(const Node* node, Frame& frame) {
  StackGuard::Check();
  for (;;) {
    switch (node->op) {
      case Op::kConstant:
        return static_cast<const ConstantNode*>(node)->value;
      case Op::kLocal:
        return frame.slots[static_cast<const SlotNode*>(node)->index];
      case Op::kCaptured:
        return frame.captured[static_cast<const SlotNode*>(node)->index];
      case Op::kUnbound:
        return Unbound(static_cast<const UnboundNode*>(node));
      case Op::kBlank:
        return Dval::Incomplete();
      case Op::kLet: {
        auto* let = static_cast<const LetNode*>(node);
        Dval value = Eval(let->value, frame);
        if (value.Is(Tag::kErrorRail)) return value;
        if (let->slot >= 0) frame.slots[let->slot] = value;
        node = let->body;
        continue;
      }
      case Op::kIf: {
        auto* branch = static_cast<const BranchNode*>(node);
        Dval condition = Operand(branch->condition, frame);
        if (condition.fake()) return NoCondition(condition);
        bool taken = !Falsy(condition);
        TakeBranch(node->id, taken ? 1 : 0);
        node = taken ? branch->then : branch->otherwise;
        continue;
      }
      case Op::kFlag: {
        auto* branch = static_cast<const BranchNode*>(node);
        bool taken = TakesNew(branch, frame);
        TakeBranch(node->id, taken ? 1 : 0);
        node = taken ? branch->then : branch->otherwise;
        continue;
      }
      case Op::kMatch: {
        const Node* body = MatchArm(static_cast<const MatchNode*>(node), frame);
        if (body == nullptr) return Dval::Incomplete();
        node = body;
        continue;
      }
      case Op::kAnd:
      case Op::kOr:
        return Both(static_cast<const BothNode*>(node), frame);
      case Op::kLambda:
        return MakeLambda(static_cast<const LambdaNode*>(node), frame);
      case Op::kField:
        return Field(static_cast<const FieldNode*>(node), frame);
      case Op::kCallOperator:
        return CallOperator(static_cast<const CallNode*>(node), frame);
      case Op::kCallFunction:
        return CallOwn(static_cast<const CallNode*>(node), frame);
      case Op::kCallBuiltin:
      case Op::kCallUnknown:
        return CallMany(static_cast<const CallNode*>(node), frame);
      case Op::kApply:
        return Apply(static_cast<const ApplyNode*>(node), frame);
      case Op::kList:
        return List(static_cast<const ItemsNode*>(node), frame);
      case Op::kTuple:
        return Tuple(static_cast<const ItemsNode*>(node), frame);
      case Op::kRecord:
        return Record(static_cast<const RecordNode*>(node), frame);
      case Op::kConstructor: {
        auto* constructor = static_cast<const ConstructorNode*>(node);
        Dval value = Eval(constructor->value, frame);
        return value.fake() ? value : MakeWrapped(arena_, constructor->tag, value);
      }
    }
  }
}

Dval Evaluator::Unbound(const UnboundNode* node) {
  return MakeError(arena_, "There is no variable named: " + std::string(node->name), node->id);
}

Dval Evaluator::NoCondition(const Dval& condition) {
  if (!condition.Is(Tag::kError)) return condition;
  return MakeError(arena_, "Expected boolean, got error", condition.error->expr_id);
}

// && ends at false, || at true; else the right side has to be a boolean as well.
Dval Evaluator::Both(const BothNode* node, Frame& frame) {
  bool is_and = node->op == Op::kAnd;
  for (const Node* side : {node->left, node->right}) {
    Dval value = Eval(side, frame);
    if (value.fake()) return value;
    if (!value.Is(Tag::kBool))
      return MakeError(arena_, is_and ? "&& only supports Booleans" : "|| only supports Booleans",
                       node->id);
    if (value.boolean() != is_and || side == node->right) return value;
  }
  return Dval::Null();
}

Dval Evaluator::MakeLambda(const LambdaNode* node, Frame& frame) {
  const std::vector<Capture>& captures = node->code->captures;
  Dval* captured = captures.empty() ? nullptr : arena_.Array<Dval>(captures.size());
  for (size_t i = 0; i < captures.size(); ++i)
    captured[i] =
        captures[i].captured ? frame.captured[captures[i].index] : frame.slots[captures[i].index];
  return Dval::Function(arena_.New(Closure{node->code, nullptr, nullptr, captured}));
}

Dval Evaluator::Field(const FieldNode* node, Frame& frame) {
  Dval object = Eval(node->object, frame);
  if (object.Is(Tag::kObject)) {
    if (node->field.empty()) return Dval::Incomplete();
    const Dval* value = ObjectGet(object.object, node->field);
    return value == nullptr ? Dval::Null() : *value;
  }
  if (object.Is(Tag::kIncomplete) || object.Is(Tag::kErrorRail)) return object;
  return NoObject(object, node->id);
}

Dval Evaluator::NoObject(const Dval& object, uint64_t id) {
  std::string what = object.Is(Tag::kDatastore)
                         ? "it's a Datastore. Use DB:: standard library functions to interact "
                           "with Datastores"
                         : "it's a " + std::string(TypeName(object));
  return MakeError(
      arena_,
      "Attempting to access a field of something that isn't a record or dict, (" + what + ").", id);
}

Dval Evaluator::List(const ItemsNode* node, Frame& frame) {
  Dval* items = arena_.Array<Dval>(node->items.size());
  size_t count = 0;
  const Dval* rail = nullptr;
  for (const Node* item : node->items) {
    Dval value = Eval(item, frame);
    if (value.Is(Tag::kIncomplete)) continue;  // not written yet: as if it was not there
    items[count] = value;
    if (value.Is(Tag::kErrorRail) && rail == nullptr) rail = &items[count];
    ++count;
  }
  return rail != nullptr ? *rail : MakeList(arena_, items, count);
}

Dval Evaluator::Tuple(const ItemsNode* node, Frame& frame) {
  Dval* items = arena_.Array<Dval>(node->items.size());
  const Dval* fake = nullptr;
  for (size_t i = 0; i < node->items.size(); ++i) {
    items[i] = Eval(node->items[i], frame);
    if (items[i].fake() && fake == nullptr) fake = &items[i];
  }
  return fake != nullptr ? *fake : MakeItems(arena_, Tag::kTuple, items, node->items.size());
}

Dval Evaluator::Record(const RecordNode* node, Frame& frame) {
  const size_t count = node->names.size();
  Slots values(*this, count);
  bool plain = !node->by_name.empty();
  for (size_t i = 0; i < count; ++i) {
    values[i] = Eval(node->values[i], frame);
    plain &= !values[i].Is(Tag::kIncomplete) && !values[i].Is(Tag::kErrorRail);
  }
  if (plain) [[likely]]
    return Dval::Object(MakeObject(arena_, node->names, node->by_name, values.at()));
  const ObjectNode* object = nullptr;
  Dval rail;
  Dval duplicate;
  for (size_t i = 0; i < count; ++i) {
    const Text* name = node->names[i];
    const Dval& value = values[i];
    if (name->size == 0 || value.Is(Tag::kIncomplete)) continue;
    if (value.Is(Tag::kErrorRail) && !rail.fake()) rail = value;
    if (!duplicate.fake() && ObjectGet(object, {name->data, name->size}) != nullptr)
      duplicate =
          MakeError(arena_, "Duplicate key: " + std::string(name->data, name->size), node->id);
    object = ObjectSet(arena_, object, name, value);
  }
  if (rail.fake()) return rail;
  return duplicate.fake() ? duplicate : Dval::Object(object);
}

const Node* Evaluator::MatchArm(const MatchNode* node, Frame& frame) {
  Dval value = Eval(node->value, frame);
  for (size_t i = 0; i < node->arms.size(); ++i) {
    if (!Matches(*node->arms[i].pattern, value, frame)) continue;
    TakeBranch(node->id, static_cast<uint32_t>(i));
    return node->arms[i].body;
  }
  return nullptr;
}

// Binds on the way, also in a pattern that then fails: nothing can see those slots.
bool Evaluator::Matches(const PatternCode& pattern, const Dval& value, Frame& frame) {
  switch (pattern.op) {
    case PatternOp::kVariable:
      if (value.fake()) return false;
      frame.slots[pattern.slot] = value;
      return true;
    case PatternOp::kConstant:
      return Equal(pattern.value, value);
    case PatternOp::kConstructor:
      return value.Is(pattern.tag) && Matches(*pattern.parts[0], *value.inner, frame);
    case PatternOp::kTuple:
      if (!value.Is(Tag::kTuple) || value.count() != pattern.parts.size()) return false;
      for (size_t i = 0; i < pattern.parts.size(); ++i)
        if (!Matches(*pattern.parts[i], value[i], frame)) return false;
      return true;
    case PatternOp::kNever:
      return false;
  }
  return false;
}

// New code only for exactly true: whatever else the condition is, the old code is what works.
bool Evaluator::TakesNew(const BranchNode* node, Frame& frame) {
  Dval condition = Eval(node->condition, frame);
  return condition.Is(Tag::kBool) && condition.boolean();
}

Dval Evaluator::Apply(const ApplyNode* node, Frame& frame) {
  Dval function = Eval(node->function, frame);
  Dval value = Eval(node->value, frame);
  // An entry that is no function, or not written yet, lets the value pass.
  if (!function.Is(Tag::kFunction)) return value;
  return CallLambda(*function.closure, &value, 1, node->id);
}

// Its nesting is that of the program's text, which the parser bounds.
Dval Evaluator::CallOperator(const CallNode* node, Frame& frame) {
  const Dval a = Operand(node->args[0], frame);
  const Dval b = Operand(node->args[1], frame);
  if (!a.Is(Tag::kInt) || !b.Is(Tag::kInt)) [[unlikely]]
    return OperatorOfOthers(node, a, b);
  fuel_.Step();
  const Dval result = OfInts(node->fast, a.integer, b.integer);
  if (options_.traced) RecordOperator(node, a, b, result);
  return node->rail ? OnRail(result) : result;
}

Dval Evaluator::OperatorOfOthers(const CallNode* node, Dval a, Dval b) {
  const Dval args[2] = {a, b};
  return Dispatch(node, args, 2);
}

void Evaluator::RecordOperator(const CallNode* node, Dval a, Dval b, Dval result) {
  const Dval args[2] = {a, b};
  recorder_.PureCall(node->builtin->full_name, node->id, std::span<const Dval>(args), result);
  CheckTrace();
}

Dval Evaluator::CallOwn(const CallNode* node, Frame& frame) {
  const size_t count = node->args.size();
  Slots slots(*this, std::max<size_t>(node->function->frame_slots, count));
  bool fake = false;
  for (size_t i = 0; i < count; ++i) {
    slots[i] = Operand(node->args[i], frame);
    fake |= slots[i].fake();
  }
  if (fake || node->params != count) [[unlikely]]
    return CallOddly(node, slots.at(), count, fake);
  Dval result = CallFunction(node, slots.at());
  return node->rail ? OnRail(result) : result;
}

Dval Evaluator::CallMany(const CallNode* node, Frame& frame) {
  const size_t count = node->args.size();
  Slots args(*this, count);
  for (size_t i = 0; i < count; ++i) args[i] = Operand(node->args[i], frame);
  return Dispatch(node, args.at(), count);
}

// Of a function of the library, or of one that does not exist.
Dval Evaluator::Dispatch(const CallNode* node, const Dval* args, size_t count) {
  bool fake = false;
  for (size_t i = 0; i < count; ++i) fake |= args[i].fake();
  if (fake || node->op == Op::kCallUnknown || node->params != count) [[unlikely]]
    return CallOddly(node, args, count, fake);
  Dval result = CallBuiltin(node, args);
  return node->rail ? OnRail(result) : result;
}

// With fake arguments, the wrong number of them, or of a function that does not exist.
Dval Evaluator::CallOddly(const CallNode* node, const Dval* args, size_t count, bool fake) {
  for (size_t i = 0; i < count; ++i)
    if (args[i].Is(Tag::kErrorRail)) return args[i];
  if (node->op == Op::kCallUnknown) return Dval::Incomplete();
  Dval result;
  if (node->params != count) {
    result = WrongCount(node, node->params, count);
  } else if (fake) {
    size_t first = 0;
    while (!args[first].fake()) ++first;
    // In a pipe an incomplete argument makes the whole entry incomplete, which lets values pass.
    if (args[first].Is(Tag::kIncomplete))
      result = node->in_pipe ? args[0] : args[first];
    else
      result = HandlesErrors(node) ? CallBuiltin(node, args) : args[first];
  }
  return node->rail ? OnRail(result) : result;
}

Dval Evaluator::WrongCount(const CallNode* node, size_t expected, size_t count) {
  const std::string& name =
      node->op == Op::kCallFunction ? node->function->name : node->builtin->full_name;
  return MakeError(arena_,
                   name + " has " + std::to_string(expected) +
                       " parameters, but here was called with " + std::to_string(count) +
                       " arguments.",
                   node->id);
}

Dval Evaluator::OnRail(const Dval& result) {
  switch (result.tag) {
    case Tag::kJust:
    case Tag::kOk:
      return *result.inner;
    case Tag::kIncomplete:
    case Tag::kError:
    case Tag::kErrorRail:
      return result;
    default:
      return MakeWrapped(arena_, Tag::kErrorRail, result);
  }
}

}  // namespace nightjar::lang
