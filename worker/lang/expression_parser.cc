#include "worker/lang/expression_parser.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <utility>

#include "worker/lang/function_name.h"
#include "worker/lang/operators.h"
#include "worker/lang/parser.h"
#include "worker/lang/words.h"

namespace nightjar::lang {
namespace {

Binding BindingOf(const Token& token) {
  return token.kind == TokenKind::kOperator ? lang::BindingOf(token.text) : Binding{0, 0};
}

// F# writes `=` and `<>` where Dark's own names are `==` and `!=`.
std::string DarkOperator(const std::string& op) {
  return op == "=" ? "==" : op == "<>" ? "!=" : op;
}

// Counts nesting for as long as it stands.
class Deeper {
 public:
  explicit Deeper(int& nesting) : nesting_(nesting) { ++nesting_; }
  ~Deeper() { --nesting_; }

 private:
  int& nesting_;
};

// Sets a value for as long as it stands.
template <typename T>
class Temporarily {
 public:
  Temporarily(T& place, T value) : place_(place), before_(place) { place = value; }
  ~Temporarily() { place_ = before_; }

 private:
  T& place_;
  T before_;
};

}  // namespace

ExpressionParser::ExpressionParser(std::vector<Token> tokens, uint64_t first_id,
                                   std::vector<Place>* places, Notation notation)
    : notation_(notation), tokens_(std::move(tokens)), next_id_(first_id), places_(*places) {}

std::optional<proto::Expr> ExpressionParser::ParseWhole() {
  proto::Expr whole = Block(Now().column);
  if (!failed_ && Now().kind != TokenKind::kEnd)
    Fail(
        "the expression has ended before this; an operator, `in` or a new line at the same column "
        "is missing");
  if (failed_) return std::nullopt;
  return whole;
}

bool ExpressionParser::Is(std::string_view text) const {
  const Token& token = Now();
  return (token.kind == TokenKind::kOperator || token.kind == TokenKind::kPunctuation) &&
         token.text == text;
}

bool ExpressionParser::IsKeyword(std::string_view word) const {
  return Now().kind == TokenKind::kWord && !Now().quoted && Now().text == word;
}

bool ExpressionParser::Offside() const {
  return Now().kind == TokenKind::kEnd || (Now().first_on_line && Now().column <= offside_);
}

void ExpressionParser::Fail(const std::string& message) {
  if (failed_) return;  // the first is the cause
  failed_ = true;
  error_ = {Now().line, Now().column, message};
}

bool ExpressionParser::Expect(std::string_view text, const char* what) {
  if (failed_) return false;
  if (!Is(text) && !IsKeyword(text)) {
    Fail(std::string("expected ") + what);
    return false;
  }
  Take();
  return true;
}

proto::Expr ExpressionParser::Node() {
  return NodeAt(Now());
}

proto::Expr ExpressionParser::NodeAt(const Token& start) {
  proto::Expr node;
  places_.push_back({next_id_, start.line, start.column});
  node.set_id(next_id_++);
  return node;
}

proto::Pattern ExpressionParser::PatternNode() {
  proto::Pattern node;
  node.set_id(next_id_++);
  return node;
}

void ExpressionParser::Stands(const proto::Expr& expr, size_t begin) {
  if (spans_ == nullptr || failed_) return;
  Span& span = spans_->try_emplace(expr.id(), Span{begin, begin, at_}).first->second;
  span.outer_begin = begin;
  span.outer_end = at_;
}

// An expression that owns every line starting right of `column`, or at it for a `let` that goes on
// below.
proto::Expr ExpressionParser::Block(uint32_t column) {
  Temporarily<uint32_t> block(offside_, column > 0 ? column - 1 : 0);
  return Expression(0);
}

proto::Expr ExpressionParser::Expression(int min_binding) {
  Deeper deeper(nesting_);
  int around = std::exchange(tallest_, 0);
  bool bare = !Is("(");
  size_t begin = at_;
  proto::Expr left = Bounded(1) ? Prefix() : proto::Expr();
  // A chain of operators is a tree that grows at its root: its height counts like nesting does.
  int height = tallest_ + 1;
  while (Bounded(height)) {
    Binding binding = BindingOf(Now());
    // An operator may stand at the start of a line at the column of its block: `|> List.head`.
    bool outside =
        Now().kind == TokenKind::kEnd || (Now().first_on_line && Now().column < offside_);
    if (binding.left == 0 || binding.left < min_binding || outside) break;
    tallest_ = 0;
    // Operators of one level are read from left to right: the last of the outermost is the root.
    if (nesting_ == 1) root_ = Now().text;
    if (Is("|>")) {
      left = Pipe(std::move(left), bare);
      height = std::max(height, tallest_) + left.pipe().items_size();
      continue;
    }
    std::string op = Now().text;
    Take();
    proto::Expr right = Expression(binding.right);
    proto::Expr node = Node();
    node.mutable_infix()->set_op(DarkOperator(op));
    *node.mutable_infix()->mutable_left() = std::move(left);
    *node.mutable_infix()->mutable_right() = std::move(right);
    left = std::move(node);
    height = std::max(height, tallest_) + 1;
  }
  tallest_ = std::max(around, height);
  Stands(left, begin);
  return left;
}

bool ExpressionParser::Bounded(int height) {
  if (nesting_ + height > kNestingMax)
    Fail("expressions are nested deeper than " + std::to_string(kNestingMax));
  return !failed_;
}

proto::Expr ExpressionParser::Prefix() {
  if (IsKeyword("let")) return LetIn();
  if (IsKeyword("if")) return IfThenElse();
  if (IsKeyword("match")) return MatchWith();
  if (IsKeyword("fun")) return Fun();
  return Application();
}

std::string ExpressionParser::BindingName() {
  if (Now().kind != TokenKind::kWord || (!Now().quoted && IsReserved(Now().text))) {
    Fail("expected a name");
    return "";
  }
  std::string name = Now().text == "___" ? "" : Now().text;
  Take();
  return name;
}

proto::Expr ExpressionParser::LetIn() {
  proto::Expr node = Node();
  uint32_t column = Now().column;
  Take();
  proto::Let& let = *node.mutable_let();
  let.set_name(BindingName());
  Expect("=", "`=` after the name of a let");
  if (failed_) return node;
  *let.mutable_value() = Block(column + 1);
  if (failed_) return node;
  if (IsKeyword("in")) {
    Take();
  } else if (!Now().first_on_line || Now().column != column || Now().kind == TokenKind::kEnd) {
    Fail("expected `in`, or the rest of the block on a new line at the column of its `let`");
    return node;
  }
  // What follows belongs to the same block as the let.
  *let.mutable_body() = Expression(0);
  return node;
}

proto::Expr ExpressionParser::IfThenElse() {
  proto::Expr node = Node();
  Take();
  *node.mutable_if_()->mutable_condition() = Expression(0);
  Expect("then", "`then`");
  if (failed_) return node;
  *node.mutable_if_()->mutable_then() = Block(Now().column);
  if (!failed_ && IsKeyword("elif")) {
    // The chain is as deep as it is long.
    Deeper deeper(nesting_);
    size_t begin = at_;
    if (!Bounded(1)) return node;
    *node.mutable_if_()->mutable_otherwise() = IfThenElse();
    Stands(node.if_().otherwise(), begin);
    return node;
  }
  Expect("else", "`else`: an if has a value in both cases");
  if (failed_) return node;
  *node.mutable_if_()->mutable_otherwise() = Block(Now().column);
  return node;
}

proto::Expr ExpressionParser::MatchWith() {
  proto::Expr node = Node();
  Take();
  *node.mutable_match()->mutable_value() = Expression(0);
  Expect("with", "`with`");
  uint32_t column = 0;  // of the arms: arms of an outer match stand further left
  if (!failed_ && Is("|")) column = Now().first_on_line ? Now().column : 0;
  if (!failed_ && Now().kind == TokenKind::kEnd) Fail("expected `|` and a pattern");
  bool first = true;  // it may go without its bar
  while (!failed_ && (first || Is("|")) && (!Now().first_on_line || Now().column >= column)) {
    if (Is("|")) Take();
    first = false;
    proto::MatchArm& arm = *node.mutable_match()->add_arms();
    *arm.mutable_pattern() = PatternTop();
    Expect("->", "`->` after the pattern");
    if (failed_) return node;
    *arm.mutable_body() = Block(column > 0 ? column + 1 : Now().column);
  }
  return node;
}

proto::Expr ExpressionParser::Fun() {
  proto::Expr node = Node();
  node.mutable_lambda();
  Take();
  bool tupled = Is("(");  // `fun (a, b) -> ...` takes two
  if (tupled) Take();
  while (!failed_ && Now().kind == TokenKind::kWord && !IsReserved(Now().text)) {
    node.mutable_lambda()->add_params(BindingName());
    if (tupled && Is(",")) Take();
  }
  if (tupled) Expect(")", "`)` after the parameters");
  Expect("->", "`->` after the parameters of a function");
  if (failed_) return node;
  *node.mutable_lambda()->mutable_body() = Block(Now().first_on_line ? Now().column : offside_ + 1);
  return node;
}

bool ExpressionParser::StartsAtom() const {
  const Token& token = Now();
  if (Offside()) return false;
  switch (token.kind) {
    case TokenKind::kInteger:
    case TokenKind::kFloat:
    case TokenKind::kString:
    case TokenKind::kCharacter:
      return true;
    case TokenKind::kWord:
      return token.quoted || !(IsReserved(token.text) || token.text == "let" ||
                               token.text == "if" || token.text == "match");
    case TokenKind::kPunctuation:
      return token.text == "(" || token.text == "[" || token.text == "{";
    default:
      return false;
  }
}

std::vector<proto::Expr> ExpressionParser::Arguments() {
  std::vector<proto::Expr> arguments;
  while (!failed_ && StartsAtom()) arguments.push_back(IsKeyword("fun") ? Fun() : Postfix(Atom()));
  return arguments;
}

// A thing that is applied to what follows it, or stands alone.
proto::Expr ExpressionParser::Application() {
  if (Now().kind == TokenKind::kWord && !Now().quoted) {
    const Token& start = Now();
    std::string module;
    std::string name;
    // First, as `Error` is a module too.
    if (TakeQualified(&module, &name)) return CallOf(start, module, name);
    if (Special(start)) return Special(start.text);
    return Named();
  }
  // `(+) 1 2`: an operator in parentheses is the function of that name.
  if (Is("(") && at_ + 2 < tokens_.size() && BindingOf(tokens_[at_ + 1]).left > 0 &&
      tokens_[at_ + 2].text == ")") {
    const Token& start = Now();
    Take();
    std::string op = DarkOperator(Now().text);
    Take();
    Take();
    return CallOf(start, "", op);
  }
  return Postfix(Atom());
}

bool ExpressionParser::Special(const Token& token) const {
  const std::string& word = token.text;
  return word == "partial" || word == "rightPartial" || word == "leftPartial" || word == "flag" ||
         word == "Just" || word == "Nothing" || word == "Ok" || word == "Error";
}

proto::Expr ExpressionParser::Special(const std::string& name) {
  std::string word = name;
  const Token start = Now();
  proto::Expr node = Node();
  Take();
  std::vector<proto::Expr> arguments = Arguments();
  if (failed_) return node;
  auto needs = [&](size_t count) {
    if (arguments.size() == count) return true;
    failed_ = true;
    error_ = {start.line, start.column,
              "`" + word + "` takes " + std::to_string(count) + ", and has " +
                  std::to_string(arguments.size())};
    return false;
  };
  if (word == "flag") {
    if (!needs(4)) return node;
    proto::FeatureFlag& flag = *node.mutable_feature_flag();
    flag.set_name(arguments[0].string());
    *flag.mutable_condition() = std::move(arguments[1]);
    *flag.mutable_old() = std::move(arguments[2]);
    *flag.mutable_new_() = std::move(arguments[3]);
  } else if (word == "partial" || word == "rightPartial" || word == "leftPartial") {
    if (!needs(2)) return node;
    proto::Partial& partial = word == "partial"        ? *node.mutable_partial()
                              : word == "rightPartial" ? *node.mutable_right_partial()
                                                       : *node.mutable_left_partial();
    partial.set_text(arguments[0].string());
    *partial.mutable_old() = std::move(arguments[1]);
  } else {
    if (!needs(word == "Nothing" ? 0 : 1)) return node;
    node.mutable_constructor()->set_name(word);
    for (proto::Expr& argument : arguments)
      *node.mutable_constructor()->add_args() = std::move(argument);
  }
  return node;
}

// A word: a keyword value, a variable, or a function without a module and what it is applied to.
proto::Expr ExpressionParser::Named() {
  const Token& start = Now();
  std::string word = start.text;
  if (word == "true" || word == "false" || word == "null" || word == "blank")
    return Postfix(Atom());
  // A word that something follows is a function; alone it may be a variable, which only lowering
  // can tell.
  size_t before = at_;
  Take();
  if (!Is(".") && StartsAtom()) return CallOf(start, "", word);
  at_ = before;
  return Postfix(Atom());
}

// `Module.name`, `Module.(<)` or `Owner.Package.Module.name`: takes it. False: something else
// stands here.
bool ExpressionParser::TakeQualified(std::string* module, std::string* name) {
  auto at = [&](size_t ahead) -> const Token& {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  };
  auto is_module = [&](size_t ahead) {
    const Token& token = at(ahead);
    return token.kind == TokenKind::kWord && !token.quoted && token.text[0] >= 'A' &&
           token.text[0] <= 'Z' && at(ahead + 1).text == ".";
  };
  if (!is_module(0)) return false;
  *module = Now().text;
  size_t next = 2;
  for (; is_module(next) && next <= 4; next += 2) *module += "." + at(next).text;
  bool op =
      at(next).text == "(" && at(next + 1).kind == TokenKind::kOperator && at(next + 2).text == ")";
  if (!op && at(next).kind != TokenKind::kWord) return false;
  *name = op ? DarkOperator(at(next + 1).text) : at(next).text;
  for (next += op ? 3 : 1; next > 0; --next) Take();
  return true;
}

proto::Expr ExpressionParser::CallOf(const Token& start, const std::string& module,
                                     const std::string& name) {
  proto::Expr node = NodeAt(start);
  FunctionName parts = SplitFunctionName(name);
  proto::FnCall& call = *node.mutable_fn_call();
  call.set_module(module);
  call.set_name(parts.name);
  call.set_version(parts.version);
  call.set_rail(parts.rail);
  // `f(x).y` is a field of what the call gives: the parenthesis touches the name.
  if (!failed_ && Is("(") && !Now().space_before && !Now().first_on_line) {
    proto::Expr first = Atom();
    if (!failed_ && Is(".") && !Now().space_before) {
      *call.add_args() = std::move(first);
      return Postfix(std::move(node));
    }
    *call.add_args() = std::move(first);
  }
  for (proto::Expr& argument : Arguments()) *call.add_args() = std::move(argument);
  return node;
}

proto::Expr ExpressionParser::Postfix(proto::Expr object) {
  while (!failed_ && Is(".") && !Now().space_before) {
    Take();
    proto::Expr node = Node();
    node.mutable_field_access()->set_field(BindingName());
    *node.mutable_field_access()->mutable_object() = std::move(object);
    object = std::move(node);
    if (!Bounded(++tallest_)) break;
  }
  return object;
}

proto::Expr ExpressionParser::Atom() {
  proto::Expr node = Node();
  if (failed_) return node;
  const Token token = Now();
  switch (token.kind) {
    case TokenKind::kInteger: {
      int64_t value = 0;
      auto [end, failed] =
          std::from_chars(token.text.data(), token.text.data() + token.text.size(), value);
      if (failed != std::errc()) {
        Fail("this integer does not fit 64 bits");
        return node;
      }
      node.set_integer(value);
      break;
    }
    case TokenKind::kFloat:
      node.set_float_(strtod(token.text.c_str(), nullptr));
      break;
    case TokenKind::kString:
      node.set_string(token.text);
      break;
    case TokenKind::kCharacter:
      node.set_character(token.text);
      break;
    case TokenKind::kWord: {
      std::string module;
      std::string name;
      if (TakeQualified(&module, &name)) {
        FunctionName parts = SplitFunctionName(name);
        node.mutable_fn_call()->set_module(module);
        node.mutable_fn_call()->set_name(parts.name);
        node.mutable_fn_call()->set_version(parts.version);
        node.mutable_fn_call()->set_rail(parts.rail);
        return node;
      } else if (!token.quoted && Special(token)) {
        // As an argument a constructor without parentheses has no arguments of its own.
        Take();
        node.mutable_constructor()->set_name(token.text);
        return node;
      } else if (token.quoted) {
        node.set_variable(token.text);
      } else if (token.text == "true" || token.text == "false") {
        node.set_bool_(token.text == "true");
      } else if (token.text == "null") {
        node.mutable_null();
      } else if (token.text == "blank") {
        node.mutable_blank();
      } else if (IsReserved(token.text)) {
        Fail("expected an expression before `" + token.text + "`");
        return node;
      } else {
        node.set_variable(token.text == "___" ? "" : token.text);
      }
      break;
    }
    case TokenKind::kPunctuation:
      if (token.text == "(") return Parenthesized();
      if (token.text == "[") return ListLiteral();
      if (token.text == "{") return RecordLiteral();
      [[fallthrough]];
    default:
      Fail(token.kind == TokenKind::kEnd ? "expected an expression, and the text ends here"
                                         : "expected an expression");
      return node;
  }
  Take();
  return node;
}

proto::Expr ExpressionParser::Parenthesized() {
  size_t begin = at_;
  Take();
  if (Is(")")) {
    Take();
    proto::Expr unit = Node();
    unit.mutable_null();
    return unit;
  }
  if (BindingOf(Now()).left > 0 && at_ + 1 < tokens_.size() && tokens_[at_ + 1].text == ")") {
    proto::Expr node = Node();
    node.mutable_fn_call()->set_name(DarkOperator(Now().text));
    Take();
    Take();
    return node;
  }
  Temporarily<uint32_t> inside(offside_, 0);
  proto::Expr first = Block(Now().column);
  if (failed_ || !Is(",")) {
    Expect(")", "`)`");
    Stands(first, begin);
    return first;
  }
  proto::Expr node = Node();
  *node.mutable_tuple()->add_items() = std::move(first);
  while (!failed_ && Is(",")) {
    Take();
    *node.mutable_tuple()->add_items() = Expression(0);
  }
  Expect(")", "`)` or `,`");
  return node;
}

proto::Expr ExpressionParser::ListLiteral() {
  proto::Expr node = Node();
  node.mutable_list();
  Take();
  Temporarily<uint32_t> inside(offside_, 0);
  while (!failed_ && !Is("]")) {
    *node.mutable_list()->add_items() = Block(Now().column + 1);
    // A comma or semicolon, or a new line.
    if (Is(";") || Is(","))
      Take();
    else if (!Is("]") && !Now().first_on_line)
      Fail("expected `;`, `,` or `]`");
  }
  Expect("]", "`]`");
  return node;
}

proto::Expr ExpressionParser::RecordLiteral() {
  proto::Expr node = Node();
  node.mutable_record();
  Take();
  Temporarily<uint32_t> inside(offside_, 0);
  while (!failed_ && !Is("}")) {
    uint32_t column = Now().column;
    proto::RecordField& field = *node.mutable_record()->add_fields();
    field.set_name(Now().kind == TokenKind::kString ? Now().text : "");
    if (Now().kind == TokenKind::kString)
      Take();
    else
      field.set_name(BindingName());
    if (!failed_ && Is(":"))
      Take();
    else
      Expect("=", "`=` after the name of a field");
    if (failed_) return node;
    *field.mutable_value() = Block(column + 1);
    if (Is(";") || Is(","))
      Take();
    else if (!Is("}") && !Now().first_on_line)
      Fail("expected `;`, a new line or `}`");
  }
  Expect("}", "`}`");
  return node;
}

// The last argument of a call, taken out of it; FORM_NOT_SET when there is none.
proto::Expr ExpressionParser::LastArgumentOf(proto::Expr* value) {
  proto::Expr last;
  auto* args = value->has_fn_call()       ? value->mutable_fn_call()->mutable_args()
               : value->has_constructor() ? value->mutable_constructor()->mutable_args()
                                          : nullptr;
  if (args == nullptr || args->empty()) return last;
  last = std::move(*args->rbegin());
  args->RemoveLast();
  return last;
}

proto::Expr ExpressionParser::Pipe(proto::Expr value, bool bare) {
  proto::Expr node = Node();
  proto::Expr misread;
  if (bare && notation_ == Notation::kDarkTests) misread = LastArgumentOf(&value);
  *node.mutable_pipe()->add_items() = std::move(value);
  if (misread.form_case() != proto::Expr::FORM_NOT_SET)
    *node.mutable_pipe()->add_items() = IntoEntry(std::move(misread));
  while (!failed_ && Is("|>") && !(Now().first_on_line && Now().column < offside_)) {
    Take();
    *node.mutable_pipe()->add_items() = PipeEntry();
  }
  return node;
}

proto::Expr ExpressionParser::PipeEntry() {
  // What is written after `|>` binds tighter than `|>` itself.
  return IntoEntry(Expression(7));
}

proto::Expr ExpressionParser::IntoEntry(proto::Expr entry) {
  if (failed_ || !entry.has_fn_call()) return entry;
  // The piped value is the first argument.
  proto::FnCall& call = *entry.mutable_fn_call();
  proto::Expr target = Node();
  target.mutable_pipe_target();
  proto::FnCall with_target;
  *with_target.add_args() = std::move(target);
  for (proto::Expr& argument : *call.mutable_args()) *with_target.add_args() = std::move(argument);
  call.mutable_args()->Swap(with_target.mutable_args());
  return entry;
}

}  // namespace nightjar::lang
