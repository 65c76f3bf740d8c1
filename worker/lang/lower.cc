#include "worker/lang/lower.h"

#include <algorithm>
#include <map>

#include "ipc/core/bounds.h"
#include "ipc/core/nearest_word.h"
#include "worker/lang/function_name.h"
#include "worker/lang/lowering_scope.h"
#include "worker/lang/nearest_name.h"
#include "worker/lang/package_name.h"
#include "worker/lang/parser.h"
#include "worker/lang/stack_guard.h"
#include "worker/lang/unicode.h"

namespace nightjar::lang {
namespace {

using google::protobuf::RepeatedPtrField;

constexpr int kCallArgsMax = 64;

// What is thrown away when no parser can have made a program.
struct Malformed {};

class Lowerer {
 public:
  Lowerer(Code& code, const Library& library, std::vector<LowerWarning>& warnings)
      : code_(code), library_(library), warnings_(warnings) {}

  void Declare(const proto::Program& program) {
    for (const proto::DatastoreDef& datastore : program.datastores())
      code_.globals[datastore.name()] = MakeTextual(code_.arena, Tag::kDatastore, datastore.name());
    for (const proto::Secret& secret : program.secrets())
      code_.globals[secret.name()] = NormalString(code_.arena, secret.value());
    for (const proto::TypeDef& def : program.types()) {
      RecordCode& record = code_.records[def.name()];
      record.name = def.name();
      record.declared = true;
      for (const proto::Param& field : def.fields())
        record.fields.push_back({field.name(), TypeOf(field.type())});
      std::sort(record.fields.begin(), record.fields.end(),
                [](const FieldCode& a, const FieldCode& b) { return a.name < b.name; });
    }
    for (const proto::FunctionDef& def : program.functions()) {
      FunctionCode function;
      function.name = def.name();
      for (const proto::Param& param : def.params())
        function.params.push_back({param.name(), TypeOf(param.type())});
      function.returns = TypeOf(def.returns());
      if (def.params_size() > kCallArgsMax) throw Malformed();
      code_.functions[def.name()] = std::move(function);
    }
  }

  void Function(const proto::FunctionDef& def) {
    FunctionCode& function = code_.functions[def.name()];
    LoweringScope scope(nullptr);
    for (const proto::Param& param : def.params()) scope.Bind(param.name());
    function.body = In(scope, def.body());
    function.frame_slots = scope.slots();
  }

  void Handler(const proto::HandlerDef& def) {
    HandlerCode& handler = code_.handlers[def.tlid()];
    handler.name = def.name();
    handler.http = def.input() == "request";
    handler.bytes = def.bytes();
    LoweringScope scope(nullptr);
    scope.Bind(def.input());
    for (const std::string& variable : def.variables()) {
      handler.variables.push_back(variable);
      scope.Bind(variable);
    }
    handler.body = In(scope, def.body());
    handler.frame_slots = scope.slots();
  }

 private:
  bool Warns() const { return warnings_.size() < bounds::kDiagnostics; }

  // A name that the language does not know is a record type of the canvas, if need be one that is
  // not declared.
  TypeCode TypeOf(const std::string& name) {
    if (name.empty()) return {};
    if (auto kind = KindNamed(name)) return {*kind};
    RecordCode& record = code_.records[name];
    record.name = name;
    return {Kind::kDict, &record};
  }

  const Node* In(LoweringScope& scope, const proto::Expr& body) {
    LoweringScope* outer = scope_;
    scope_ = &scope;
    const Node* node = Expr(body);
    scope_ = outer;
    return node;
  }

  template <typename N>
  N* New(Op op, uint64_t id) {
    N* node = code_.arena.New(N{});
    node->op = op;
    node->id = id;
    shape_.Add(static_cast<uint64_t>(op));
    return node;
  }

  template <typename T>
  std::span<const T> Copy(const std::vector<T>& items) {
    T* copy = code_.arena.Array<T>(items.size());
    std::copy(items.begin(), items.end(), copy);
    return {copy, items.size()};
  }

  std::string_view Kept(std::string_view text) {
    const Text* kept = MakeText(code_.arena, text);
    shape_.Add(text);
    return {kept->data, kept->size};
  }

  std::span<const Node* const> Exprs(const RepeatedPtrField<proto::Expr>& exprs,
                                     const Node* first = nullptr) {
    std::vector<const Node*> nodes;
    if (first != nullptr) nodes.push_back(first);
    for (const proto::Expr& expr : exprs) nodes.push_back(Expr(expr));
    return Copy(nodes);
  }

  const Node* Constant(uint64_t id, const Dval& value) {
    auto* node = New<ConstantNode>(Op::kConstant, id);
    node->value = value;
    if (value.Is(Tag::kString) || value.Is(Tag::kCharacter))
      shape_.Add(value.view());
    else
      shape_.Add(static_cast<uint64_t>(value.integer));
    return node;
  }

  const Node* Simple(Op op, uint64_t id) { return New<Node>(op, id); }

  const Node* Expr(const proto::Expr& e) {
    StackGuard::Check();
    switch (e.form_case()) {
      case proto::Expr::kInteger:
        return Constant(e.id(), Dval::Int(e.integer()));
      case proto::Expr::kBool:
        return Constant(e.id(), Dval::Bool(e.bool_()));
      case proto::Expr::kString:
        return Constant(e.id(), NormalString(code_.arena, e.string()));
      case proto::Expr::kCharacter:
        return Constant(e.id(), NormalString(code_.arena, e.character(), Tag::kCharacter));
      case proto::Expr::kFloat:
        return Constant(e.id(), Dval::Float(e.float_()));
      case proto::Expr::kNull:
        return Constant(e.id(), Dval::Null());
      case proto::Expr::kBlank:
        return Simple(Op::kBlank, e.id());
      case proto::Expr::kLet:
        return Let(e.id(), e.let());
      case proto::Expr::kIf:
        return Branch(Op::kIf, e.id(), e.if_().condition(), e.if_().then(), e.if_().otherwise());
      case proto::Expr::kInfix:
        return Infix(e.id(), e.infix().op(), Expr(e.infix().left()), e.infix().right(), false);
      case proto::Expr::kLambda:
        return Lambda(e.id(), e.lambda());
      case proto::Expr::kFieldAccess:
        return Field(e.id(), e.field_access());
      case proto::Expr::kVariable:
        return Variable(e.id(), e.variable());
      case proto::Expr::kFnCall:
        return FnCall(e.id(), e.fn_call(), nullptr);
      case proto::Expr::kPartial:
        return Expr(e.partial().old());
      case proto::Expr::kRightPartial:
        return Expr(e.right_partial().old());
      case proto::Expr::kLeftPartial:
        return Expr(e.left_partial().old());
      case proto::Expr::kList:
        return Items(Op::kList, e.id(), e.list());
      case proto::Expr::kTuple:
        if (e.tuple().items_size() < 2) throw Malformed();
        return Items(Op::kTuple, e.id(), e.tuple());
      case proto::Expr::kRecord:
        return Record(e.id(), e.record());
      case proto::Expr::kPipe:
        return Pipe(e.pipe());
      case proto::Expr::kConstructor:
        return Constructor(e.id(), e.constructor());
      case proto::Expr::kMatch:
        return Match(e.id(), e.match());
      case proto::Expr::kFeatureFlag:
        return Branch(Op::kFlag, e.id(), e.feature_flag().condition(), e.feature_flag().new_(),
                      e.feature_flag().old());
      case proto::Expr::kPipeTarget:
      case proto::Expr::FORM_NOT_SET:
        break;
    }
    throw Malformed();
  }

  const Node* Let(uint64_t id, const proto::Let& let) {
    auto* node = New<LetNode>(Op::kLet, id);
    node->value = Expr(let.value());
    LoweringScope::Mark mark = scope_->mark();
    node->slot = let.name().empty() ? -1 : static_cast<int32_t>(scope_->Bind(let.name()));
    node->body = Expr(let.body());
    scope_->Unbind(mark);
    return node;
  }

  const Node* Branch(Op op, uint64_t id, const proto::Expr& condition, const proto::Expr& then,
                     const proto::Expr& otherwise) {
    auto* node = New<BranchNode>(op, id);
    node->condition = Expr(condition);
    node->then = Expr(then);
    node->otherwise = Expr(otherwise);
    return node;
  }

  const Node* Both(uint64_t id, const std::string& op, const Node* left, const proto::Expr& right) {
    auto* node = New<BothNode>(op == "&&" ? Op::kAnd : Op::kOr, id);
    node->left = left;
    node->right = Expr(right);
    return node;
  }

  const Node* Infix(uint64_t id, const std::string& op, const Node* left, const proto::Expr& right,
                    bool in_pipe) {
    if (op == "&&" || op == "||") return Both(id, op, left, right);
    const Builtin* builtin = library_.Find("", op, 0);
    if (builtin == nullptr) throw Malformed();
    auto* node = New<CallNode>(Op::kCallBuiltin, id);
    node->builtin = builtin;
    node->params = builtin->params.size();
    node->in_pipe = in_pipe;
    shape_.Add(builtin->full_name);
    node->args = Copy<const Node*>({left, Expr(right)});
    return Specialized(node);
  }

  const Node* Lambda(uint64_t id, const proto::Lambda& lambda) {
    auto* node = New<LambdaNode>(Op::kLambda, id);
    auto code = std::make_unique<LambdaCode>();
    LoweringScope scope(scope_);
    code->id = id;
    code->params = 0;
    for (const std::string& param : lambda.params()) {
      if (param.empty()) continue;  // nobody named it yet: it is not there
      if (++code->params > kCallArgsMax) throw Malformed();
      scope.Bind(param);
    }
    ShapeHash::Mark began = shape_.mark();
    shape_.Add(code->params);
    code->body = In(scope, lambda.body());
    code->shape = shape_.Since(began);
    code->frame_slots = scope.slots();
    code->captures = scope.captures();
    node->code = code.get();
    code_.lambdas.push_back(std::move(code));
    return node;
  }

  const Node* Field(uint64_t id, const proto::FieldAccess& access) {
    auto* node = New<FieldNode>(Op::kField, id);
    node->object = Expr(access.object());
    node->field = Kept(access.field());
    return node;
  }

  const Node* Variable(uint64_t id, const std::string& name) {
    if (auto place = scope_->Find(name)) {
      auto* node = New<SlotNode>(place->captured ? Op::kCaptured : Op::kLocal, id);
      node->index = place->index;
      shape_.Add(place->index);
      return node;
    }
    auto global = code_.globals.find(name);
    if (global != code_.globals.end()) return Constant(id, global->second);
    if (code_.functions.count(name) > 0 && code_.functions[name].params.empty()) {
      proto::FnCall call;
      call.set_name(name);
      return FnCall(id, call, nullptr);
    }
    if (Warns()) warnings_.push_back({id, "there is no variable `" + name + "` here"});
    auto* node = New<UnboundNode>(Op::kUnbound, id);
    node->name = Kept(name);
    return node;
  }

  // `piped` is the value of a pipe whose entry this call is.
  const Node* FnCall(uint64_t id, const proto::FnCall& call, const Node* piped) {
    bool has_target = call.args_size() > 0 && call.args(0).has_pipe_target();
    if (has_target != (piped != nullptr)) throw Malformed();
    if (call.args_size() > kCallArgsMax) throw Malformed();
    if (call.module().empty() && (call.name() == "&&" || call.name() == "||") &&
        call.args_size() == 2)
      return Both(id, call.name(), piped != nullptr ? piped : Expr(call.args(0)), call.args(1));
    auto* node = New<CallNode>(Op::kCallUnknown, id);
    Resolve(id, call, node);
    node->in_pipe = piped != nullptr;
    node->rail = call.rail();
    shape_.Add(call.rail());
    std::vector<const Node*> args;
    for (int i = 0; i < call.args_size(); ++i)
      args.push_back(i == 0 && piped != nullptr ? piped : Expr(call.args(i)));
    node->args = Copy(args);
    return Specialized(node);
  }

  static const Node* Specialized(CallNode* node) {
    bool fast = node->op == Op::kCallBuiltin && node->builtin->fast != IntOperator::kNone;
    if (!fast || node->args.size() != 2) return node;
    node->op = Op::kCallOperator;
    node->fast = node->builtin->fast;
    return node;
  }

  bool ResolveOwn(const std::string& name, CallNode* node) {
    auto found = code_.functions.find(name);
    if (found == code_.functions.end()) return false;
    node->op = Op::kCallFunction;
    node->function = &found->second;
    node->params = found->second.params.size();
    return true;
  }

  void Resolve(uint64_t id, const proto::FnCall& call, CallNode* node) {
    std::string versioned = call.name() + "_v" + std::to_string(call.version());
    shape_.Add(call.module() + "::" + versioned);
    // The canvas's own functions come first. A name like `handle_v2` can be all of its name.
    bool own = call.module().empty() ? ResolveOwn(versioned, node) || ResolveOwn(call.name(), node)
                                     : ResolveOwn(PackageName(call.module(), versioned), node);
    if (own) return;
    node->builtin = library_.Find(call.module(), call.name(), call.version());
    if (node->builtin != nullptr) {
      node->op = Op::kCallBuiltin;
      node->params = node->builtin->params.size();
      return;
    }
    if (!Warns()) return;
    std::string written = call.module().empty() ? versioned : call.module() + "." + versioned;
    std::string near = NearestBuiltin(library_, call.module(), call.name(), call.version());
    if (call.module().empty() && scope_->Find(call.name()))
      warnings_.push_back({id, "`" + call.name() + "` is a variable: a function in it is called " +
                                   "through a pipe, `x |> " + call.name() + "`"});
    else
      warnings_.push_back({id, "there is no function `" + written + "`" + DidYouMean(near)});
  }

  const Node* Items(Op op, uint64_t id, const proto::ExprList& list) {
    auto* node = New<ItemsNode>(op, id);
    shape_.Add(static_cast<uint64_t>(list.items_size()));
    node->items = Exprs(list.items());
    return node;
  }

  static std::vector<uint32_t> ByName(const std::vector<const Text*>& names) {
    std::map<std::string_view, uint32_t> sorted;
    for (uint32_t i = 0; i < names.size(); ++i)
      if (names[i]->size > 0) sorted.emplace(std::string_view(names[i]->data, names[i]->size), i);
    std::vector<uint32_t> places;
    if (sorted.size() != names.size()) return places;
    for (const auto& [name, place] : sorted) places.push_back(place);
    return places;
  }

  const Node* Record(uint64_t id, const proto::Record& record) {
    auto* node = New<RecordNode>(Op::kRecord, id);
    std::vector<const Text*> names;
    std::vector<const Node*> values;
    for (const proto::RecordField& field : record.fields()) {
      names.push_back(NormalString(code_.arena, field.name()).text);
      shape_.Add(field.name());
      values.push_back(Expr(field.value()));
    }
    node->names = Copy(names);
    node->values = Copy(values);
    node->by_name = Copy(ByName(names));
    return node;
  }

  const Node* Pipe(const proto::ExprList& pipe) {
    if (pipe.items_size() < 1) throw Malformed();
    const Node* value = Expr(pipe.items(0));
    for (int i = 1; i < pipe.items_size(); ++i) value = PipeEntry(value, pipe.items(i));
    return value;
  }

  const Node* PipeEntry(const Node* value, const proto::Expr& entry) {
    StackGuard::Check();
    switch (entry.form_case()) {
      case proto::Expr::kBlank:
        return value;  // as if it was not there
      case proto::Expr::kPartial:
        return PipeEntry(value, entry.partial().old());
      case proto::Expr::kRightPartial:
        return PipeEntry(value, entry.right_partial().old());
      case proto::Expr::kLeftPartial:
        return PipeEntry(value, entry.left_partial().old());
      case proto::Expr::kFnCall:
        return FnCall(entry.id(), entry.fn_call(), value);
      case proto::Expr::kInfix:
        if (entry.infix().left().has_pipe_target())
          return Infix(entry.id(), entry.infix().op(), value, entry.infix().right(), true);
        break;
      case proto::Expr::kVariable:
        if (!scope_->Find(entry.variable())) return NamedEntry(value, entry);
        break;
      default:
        break;
    }
    auto* node = New<ApplyNode>(Op::kApply, entry.id());
    node->value = value;
    node->function = Expr(entry);
    return node;
  }

  // `x |> f`: a word that is no variable is a function that takes the value alone.
  const Node* NamedEntry(const Node* value, const proto::Expr& entry) {
    FunctionName parts = SplitFunctionName(entry.variable());
    proto::FnCall call;
    call.set_name(parts.name);
    call.set_version(parts.version);
    call.set_rail(parts.rail);
    call.add_args()->mutable_pipe_target();
    return FnCall(entry.id(), call, value);
  }

  const Node* Constructor(uint64_t id, const proto::Constructor& constructor) {
    if (constructor.name() == "Nothing" && constructor.args_size() == 0)
      return Constant(id, Dval::Nothing());
    auto tag = ConstructorTag(constructor.name());
    if (!tag || constructor.args_size() != 1) throw Malformed();
    auto* node = New<ConstructorNode>(Op::kConstructor, id);
    node->tag = *tag;
    shape_.Add(static_cast<uint64_t>(*tag));
    node->value = Expr(constructor.args(0));
    return node;
  }

  static std::optional<Tag> ConstructorTag(const std::string& name) {
    if (name == "Just") return Tag::kJust;
    if (name == "Ok") return Tag::kOk;
    if (name == "Error") return Tag::kErrorResult;
    return std::nullopt;
  }

  const Node* Match(uint64_t id, const proto::Match& match) {
    auto* node = New<MatchNode>(Op::kMatch, id);
    node->value = Expr(match.value());
    std::vector<ArmCode> arms;
    for (const proto::MatchArm& arm : match.arms()) {
      LoweringScope::Mark mark = scope_->mark();
      const PatternCode* pattern = Pattern(arm.pattern(), mark);
      arms.push_back({pattern, Expr(arm.body())});
      scope_->Unbind(mark);
    }
    node->arms = Copy(arms);
    return node;
  }

  const PatternCode* Pattern(const proto::Pattern& p, const LoweringScope::Mark& mark) {
    StackGuard::Check();
    PatternCode code{PatternOp::kConstant, Tag::kNull, -1, {}, {}};
    shape_.Add(static_cast<uint64_t>(p.form_case()));
    switch (p.form_case()) {
      case proto::Pattern::kVariable:
        code.op = PatternOp::kVariable;
        code.slot = static_cast<int32_t>(scope_->BindOnce(p.variable(), mark));
        break;
      case proto::Pattern::kConstructor:
        ConstructorPattern(p.constructor(), mark, &code);
        break;
      case proto::Pattern::kInteger:
        code.value = Dval::Int(p.integer());
        break;
      case proto::Pattern::kBool:
        code.value = Dval::Bool(p.bool_());
        break;
      case proto::Pattern::kCharacter:
        code.value = NormalString(code_.arena, p.character(), Tag::kCharacter);
        break;
      case proto::Pattern::kString:
        code.value = NormalString(code_.arena, p.string());
        break;
      case proto::Pattern::kFloat:
        code.value = Dval::Float(p.float_());
        break;
      case proto::Pattern::kNull:
        break;
      case proto::Pattern::kBlank:
        code.op = PatternOp::kNever;
        break;
      case proto::Pattern::kTuple: {
        code.op = PatternOp::kTuple;
        std::vector<const PatternCode*> parts;
        for (const proto::Pattern& part : p.tuple().items()) parts.push_back(Pattern(part, mark));
        code.parts = Copy(parts);
        break;
      }
      case proto::Pattern::FORM_NOT_SET:
        throw Malformed();
    }
    if (code.op == PatternOp::kConstant) AddShape(code.value);
    return code_.arena.New(code);
  }

  void AddShape(const Dval& value) {
    if (value.Is(Tag::kString) || value.Is(Tag::kCharacter))
      shape_.Add(value.view());
    else
      shape_.Add(static_cast<uint64_t>(value.integer));
  }

  // A constructor that does not exist, or has the wrong number of parts, never matches.
  void ConstructorPattern(const proto::ConstructorPattern& constructor,
                          const LoweringScope::Mark& mark, PatternCode* code) {
    shape_.Add(constructor.name());
    auto tag = ConstructorTag(constructor.name());
    if (tag && constructor.args_size() == 1) {
      code->op = PatternOp::kConstructor;
      code->tag = *tag;
      code->parts = Copy<const PatternCode*>({Pattern(constructor.args(0), mark)});
    } else if (constructor.name() == "Nothing" && constructor.args_size() == 0) {
      code->value = Dval::Nothing();
    } else {
      code->op = PatternOp::kNever;
      for (const proto::Pattern& part : constructor.args()) Pattern(part, mark);
    }
  }

  Code& code_;
  const Library& library_;
  std::vector<LowerWarning>& warnings_;
  LoweringScope* scope_ = nullptr;
  ShapeHash shape_;
};

}  // namespace

Result<Lowered> Lower(const proto::Program& program, const Library& library) {
  Lowered lowered{std::make_unique<Code>(), {}};
  try {
    Lowerer lowerer(*lowered.code, library, lowered.warnings);
    lowerer.Declare(program);
    for (const proto::FunctionDef& function : program.functions()) lowerer.Function(function);
    for (const proto::HandlerDef& handler : program.handlers())
      if (handler.command().empty()) lowerer.Handler(handler);
  } catch (const Malformed&) {
    return Fail(ErrorCode::kProtocol, "this is not a program that a compile run made");
  } catch (const TooManyNames&) {
    return Fail(ErrorCode::kInvalid, "a function has at most " + std::to_string(kFrameSlotsMax) +
                                         " variables in scope at once");
  } catch (const StackExhausted&) {
    return Fail(ErrorCode::kProtocol, "this program is nested too deep");
  }
  return lowered;
}

}  // namespace nightjar::lang
