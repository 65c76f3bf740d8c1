#include "worker/lang/expression_printer.h"

#include <string>
#include <unordered_map>
#include <utility>

#include "worker/lang/literal_text.h"
#include "worker/lang/operators.h"

namespace nightjar::lang {
namespace {

// A text whose escaped form is longer is written as lines, if it has some.
constexpr size_t kEscapedTextMax = 72;

std::string PatternText(const proto::Pattern& pattern);

std::string PatternArgument(const proto::Pattern& pattern) {
  bool inner = pattern.has_constructor() && pattern.constructor().args_size() > 0;
  return inner ? "(" + PatternText(pattern) + ")" : PatternText(pattern);
}

std::string PatternText(const proto::Pattern& pattern) {
  switch (pattern.form_case()) {
    case proto::Pattern::kVariable:
      return NameText(pattern.variable());
    case proto::Pattern::kConstructor: {
      std::string text = ConstructorText(pattern.constructor().name());
      for (const proto::Pattern& arg : pattern.constructor().args())
        text += " " + PatternArgument(arg);
      return text;
    }
    case proto::Pattern::kInteger:
      return std::to_string(pattern.integer());
    case proto::Pattern::kBool:
      return pattern.bool_() ? "true" : "false";
    case proto::Pattern::kCharacter:
      return CharacterLiteral(pattern.character());
    case proto::Pattern::kString:
      return StringLiteral(pattern.string());
    case proto::Pattern::kFloat:
      return FloatLiteral(pattern.float_());
    case proto::Pattern::kNull:
      return "null";
    case proto::Pattern::kTuple: {
      std::string text;
      for (const proto::Pattern& item : pattern.tuple().items())
        text += (text.empty() ? "(" : ", ") + PatternText(item);
      return text + ")";
    }
    default:
      return "blank";
  }
}

Layout InParentheses(Layout inner) {
  return Join({Text("("), Align(std::move(inner)), Text(")")});
}

bool IsLiteral(const proto::Expr& expr) {
  switch (expr.form_case()) {
    case proto::Expr::kInteger:
    case proto::Expr::kFloat:
    case proto::Expr::kCharacter:
    case proto::Expr::kBool:
    case proto::Expr::kNull:
      return true;
    case proto::Expr::kString:
      return expr.string().find('\n') == std::string::npos;
    default:
      return false;
  }
}

// Goes on as far to the right as it can.
bool IsOpenEnded(const proto::Expr& expr) {
  return expr.has_let() || expr.has_if_() || expr.has_match() || expr.has_lambda();
}

bool HasLambdaLast(const google::protobuf::RepeatedPtrField<proto::Expr>& args) {
  return !args.empty() && args.rbegin()->has_lambda();
}

class Printer {
 public:
  explicit Printer(const CommentPlaces& comments) : comments_(comments) {}

  // With the comments around it. Its lines start where it does. What is asked for twice is laid
  // out once: else each lambda in a lambda would double the work.
  Layout Block(const proto::Expr& expr) {
    auto found = blocks_.find(expr.id());
    if (found != blocks_.end()) return found->second;
    Layout made = Align(WithComments(AtBlock(expr), Expression(expr)));
    blocks_[expr.id()] = made;
    return made;
  }

 private:
  const CommentsAt& AtBlock(const proto::Expr& expr) const {
    return comments_.At(PlaceKind::kBlock, expr.id());
  }
  static bool HasComments(const CommentsAt& at) { return !at.before.empty() || !at.after.empty(); }

  static Layout Before(const CommentsAt& at) {
    Layouts parts;
    for (size_t i = 0; i < at.before.size(); ++i) {
      if (i > 0) parts.push_back(HardLine(at.empty_line_of[i - 1]));
      parts.push_back(Verbatim(at.before[i]));
    }
    if (!parts.empty()) parts.push_back(HardLine(at.empty_line_between));
    return Join(std::move(parts));
  }

  static Layout WithComments(const CommentsAt& at, Layout inner) {
    if (!HasComments(at)) return inner;
    Layouts parts = {Before(at), std::move(inner)};
    for (const std::string& comment : at.after) parts.push_back(AtEndOfLine(comment));
    return Join(std::move(parts));
  }

  Layout Expression(const proto::Expr& expr) {
    switch (expr.form_case()) {
      case proto::Expr::kLet:
        return Let(expr);
      case proto::Expr::kIf:
        return If(expr);
      case proto::Expr::kMatch:
        return Match(expr);
      case proto::Expr::kLambda:
        return Lambda(expr);
      case proto::Expr::kInfix:
        return Infix(expr.infix());
      case proto::Expr::kPipe:
        return Pipe(expr);
      case proto::Expr::kFnCall:
        return Call(FunctionText(expr.fn_call()), expr.fn_call().args());
      case proto::Expr::kConstructor:
        return Call(ConstructorText(expr.constructor().name()), expr.constructor().args());
      case proto::Expr::kPartial:
        return Partial("partial", expr.partial());
      case proto::Expr::kLeftPartial:
        return Partial("leftPartial", expr.left_partial());
      case proto::Expr::kRightPartial:
        return Partial("rightPartial", expr.right_partial());
      case proto::Expr::kFeatureFlag: {
        const proto::FeatureFlag& flag = expr.feature_flag();
        return Applied(Text("flag " + StringLiteral(flag.name())),
                       {Argument(flag.condition()), Argument(flag.old()), Argument(flag.new_())});
      }
      default:
        return Atom(expr);
    }
  }

  // What stands by itself wherever it is.
  Layout Atom(const proto::Expr& expr) {
    switch (expr.form_case()) {
      case proto::Expr::kInteger:
        return Text(std::to_string(expr.integer()));
      case proto::Expr::kBool:
        return Text(expr.bool_() ? "true" : "false");
      case proto::Expr::kString:
        return String(expr.string());
      case proto::Expr::kCharacter:
        return Text(CharacterLiteral(expr.character()));
      case proto::Expr::kFloat:
        return Text(FloatLiteral(expr.float_()));
      case proto::Expr::kNull:
        return Text("null");
      case proto::Expr::kVariable:
        return Text(NameText(expr.variable()));
      case proto::Expr::kList:
        return List(expr);
      case proto::Expr::kRecord:
        return Record(expr);
      case proto::Expr::kTuple:
        return Tuple(expr.tuple());
      case proto::Expr::kFieldAccess:
        return Join({Object(expr.field_access().object()),
                     Text("." + FieldText(expr.field_access().field()))});
      default:
        return Text("blank");
    }
  }

  static Layout String(const std::string& content) {
    std::string escaped = StringLiteral(content);
    std::string lines = escaped.size() > kEscapedTextMax ? LinesLiteral(content) : "";
    return lines.empty() ? Text(std::move(escaped)) : Verbatim(std::move(lines));
  }

  static bool NeedsParenthesesAsArgument(const proto::Expr& expr) {
    return IsOpenEnded(expr) || expr.has_infix() || expr.has_pipe() ||
           (expr.has_fn_call() && expr.fn_call().args_size() > 0) ||
           (expr.has_constructor() && expr.constructor().args_size() > 0) || expr.has_partial() ||
           expr.has_left_partial() || expr.has_right_partial() || expr.has_feature_flag();
  }

  Layout Argument(const proto::Expr& expr) {
    Layout inner = Expression(expr);
    return NeedsParenthesesAsArgument(expr) ? InParentheses(std::move(inner)) : inner;
  }

  // What a field is taken of.
  Layout Object(const proto::Expr& expr) {
    bool module = expr.has_variable() && expr.variable()[0] >= 'A' && expr.variable()[0] <= 'Z';
    if (module) return Text("``" + expr.variable() + "``");
    // Of the constructors without arguments only this one is more than an argument.
    bool bare = expr.has_constructor() && expr.constructor().args_size() == 0 &&
                expr.constructor().name() != "Nothing";
    bool closed = bare || !(NeedsParenthesesAsArgument(expr) || expr.has_fn_call() ||
                            expr.has_constructor() || expr.has_integer() || expr.has_float_());
    return closed ? Expression(expr) : InParentheses(Expression(expr));
  }

  // In a place that others follow on the same line.
  Layout Contained(const proto::Expr& expr) {
    Layout inner = Expression(expr);
    return IsOpenEnded(expr) ? InParentheses(std::move(inner)) : Align(std::move(inner));
  }

  // An operand of an operator, which binds at least so tightly.
  Layout Operand(const proto::Expr& expr, int binding) {
    bool loose = expr.has_infix() && BindingOf(expr.infix().op()).left < binding;
    if (loose || IsOpenEnded(expr) || expr.has_pipe()) return InParentheses(Expression(expr));
    return Align(Expression(expr));
  }

  // After `=` or `->`: on the same line, or below; a function that is given to a call may begin on
  // the same line and go on below.
  Layout Bound(const proto::Expr& expr) {
    Layout inner = Block(expr);
    Layout below = Indent(Join({Line(" "), inner}));
    bool call = (expr.has_fn_call() && HasLambdaLast(expr.fn_call().args())) ||
                (expr.has_constructor() && HasLambdaLast(expr.constructor().args()));
    if (HasComments(AtBlock(expr)) || !(call || expr.has_lambda())) return Group(below);
    Layout hugged = call ? Hugged(expr) : Join({Text(LambdaHead(expr)), BelowHead(expr)});
    if (hugged == nullptr) return Group(below);
    return FirstThatFits({below, Join({Text(" "), std::move(hugged)}), below});
  }

  Layout Let(const proto::Expr& expr) {
    const proto::Let& let = expr.let();
    Layout head = Join({Text("let " + NameText(let.name()) + " ="), Bound(let.value())});
    return Align(Join({WithComments(comments_.At(PlaceKind::kLetHead, expr.id()), std::move(head)),
                       HardLine(AtBlock(let.body()).empty_line_first), Block(let.body())}));
  }

  static std::string LambdaHead(const proto::Expr& expr) {
    std::string head = "fun";
    for (const std::string& param : expr.lambda().params()) head += " " + NameText(param);
    return head + " ->";
  }
  Layout BelowHead(const proto::Expr& expr) {
    return Indent(Join({HardLine(), Block(expr.lambda().body())}));
  }

  Layout Lambda(const proto::Expr& expr) {
    return Join(
        {Text(LambdaHead(expr)), Group(Indent(Join({Line(" "), Block(expr.lambda().body())})))});
  }

  Layout If(const proto::Expr& expr) {
    Layouts flat;
    Layouts compact;
    Layouts blocks;
    bool several = false;  // branches besides the last
    bool one_line_each = true;
    const proto::Expr* at = &expr;
    std::string word = "if ";
    for (;; at = &at->if_().otherwise()) {
      Layout condition = Contained(at->if_().condition());
      Layout then = Block(at->if_().then());
      one_line_each =
          one_line_each && !IsBroken(condition) && !IsBroken(then) && !at->if_().then().has_if_();
      Layout head = Join({Text(word), std::move(condition), Text(" then")});
      for (Layouts* parts : {&flat, &compact, &blocks}) parts->push_back(head);
      flat.push_back(Join({Text(" "), then}));
      compact.push_back(Group(Join({Line(" "), then})));
      blocks.push_back(Indent(Join({HardLine(), then})));
      const CommentsAt& before = comments_.At(PlaceKind::kElse, at->id());
      one_line_each = one_line_each && before.before.empty();
      flat.push_back(Text(" "));
      compact.push_back(HardLine());
      blocks.push_back(Join({HardLine(), Before(before)}));
      const proto::Expr& otherwise = at->if_().otherwise();
      if (!otherwise.has_if_() || HasComments(AtBlock(otherwise))) break;
      several = true;
      word = "else if ";
    }
    Layout last = Block(at->if_().otherwise());
    flat.push_back(Join({Text("else "), last}));
    compact.push_back(Group(Join({Text("else"), Line(" "), last})));
    blocks.push_back(Join({Text("else"), Indent(Join({HardLine(), last}))}));
    Layout broken = Align(Join(std::move(blocks)));
    if (!one_line_each || IsBroken(last)) return broken;
    Layout lines = IfAllFit(Align(Join(std::move(compact))), broken);
    return several ? lines : FirstThatFits({Join(std::move(flat)), lines});
  }

  Layout Match(const proto::Expr& expr) {
    Layouts parts = {Text("match "), Contained(expr.match().value()), Text(" with")};
    for (int i = 0; i < expr.match().arms_size(); ++i) {
      const proto::MatchArm& arm = expr.match().arms(i);
      const CommentsAt& at = comments_.At(PlaceKind::kArm, expr.id(), i);
      parts.push_back(HardLine(i > 0 ? at.empty_line_first : EmptyLine::kNo));
      parts.push_back(WithComments(
          at, Join({Text("| " + PatternText(arm.pattern()) + " ->"), Bound(arm.body())})));
    }
    return Align(Join(std::move(parts)));
  }

  Layout Infix(const proto::Infix& infix) {
    Binding binding = BindingOf(infix.op());
    bool to_the_right = binding.right < binding.left;
    // A chain of one level is one group.
    Layouts parts;
    std::vector<const proto::Infix*> chain = {&infix};
    auto next = [&](const proto::Infix& at) -> const proto::Expr& {
      return to_the_right ? at.right() : at.left();
    };
    while (next(*chain.back()).has_infix() &&
           BindingOf(next(*chain.back()).infix().op()).left == binding.left)
      chain.push_back(&next(*chain.back()).infix());
    auto operand = [&](const std::string& op, const proto::Expr& expr, int least) {
      parts.push_back(Line(" "));
      parts.push_back(Join({Text(op + " "), Operand(expr, least)}));
    };
    if (to_the_right) {
      for (const proto::Infix* at : chain) {
        if (at == chain.front()) parts.push_back(Operand(at->left(), binding.left + 1));
        const proto::Expr& right = at == chain.back() ? at->right() : at->right().infix().left();
        operand(at->op(), right, binding.left + (at == chain.back() ? 0 : 1));
      }
    } else {
      parts.push_back(Operand(chain.back()->left(), binding.left));
      for (auto at = chain.rbegin(); at != chain.rend(); ++at)
        operand((*at)->op(), (*at)->right(), binding.right);
    }
    return Group(Align(Join(std::move(parts))));
  }

  Layout Pipe(const proto::Expr& expr) {
    const auto& items = expr.pipe().items();
    Layouts parts;
    for (int i = 0; i < items.size(); ++i) {
      const CommentsAt& at = comments_.At(PlaceKind::kPipeEntry, expr.id(), i);
      if (i == 0) {
        parts.push_back(WithComments(at, Operand(items[i], kPipeBinding + 1)));
        continue;
      }
      parts.push_back(Line(" "));
      parts.push_back(WithComments(at, Join({Text("|> "), PipeEntry(items[i])})));
    }
    return Group(Align(Join(std::move(parts))));
  }

  Layout PipeEntry(const proto::Expr& entry) {
    if (!entry.has_fn_call()) return Operand(entry, kPipeBinding + 2);
    google::protobuf::RepeatedPtrField<proto::Expr> args = entry.fn_call().args();
    if (!args.empty() && args.begin()->has_pipe_target()) args.erase(args.begin());
    return Call(FunctionText(entry.fn_call()), args);
  }

  Layout Partial(const char* word, const proto::Partial& partial) {
    return Applied(Text(std::string(word) + " " + StringLiteral(partial.text())),
                   {Argument(partial.old())});
  }

  static Layout Applied(Layout head, Layouts args) {
    Layouts parts;
    for (Layout& arg : args) {
      parts.push_back(Line(" "));
      parts.push_back(std::move(arg));
    }
    return Group(Align(Join({std::move(head), Indent(Join(std::move(parts)))})));
  }

  using Arguments = google::protobuf::RepeatedPtrField<proto::Expr>;

  Layout Call(const std::string& head, const Arguments& args) {
    Layouts parts;
    for (const proto::Expr& arg : args) parts.push_back(Argument(arg));
    if (!HasLambdaLast(args)) return Applied(Text(head), parts);
    Layout applied = Applied(Text(head), parts);
    Layout hugged = HuggedCall(head, args, parts);
    if (hugged == nullptr) return applied;
    return FirstThatFits({applied, std::move(hugged), applied});
  }

  Layout Hugged(const proto::Expr& call) {
    const Arguments& args = call.has_fn_call() ? call.fn_call().args() : call.constructor().args();
    Layouts parts;
    for (const proto::Expr& arg : args) parts.push_back(arg.has_lambda() ? nullptr : Argument(arg));
    for (int i = 0; i + 1 < args.size(); ++i)
      if (parts[static_cast<size_t>(i)] == nullptr)
        parts[static_cast<size_t>(i)] = Argument(args[i]);
    return HuggedCall(call.has_fn_call() ? FunctionText(call.fn_call())
                                         : ConstructorText(call.constructor().name()),
                      args, parts);
  }

  // `f x (fun y ->`, the body below, `)`. None where an argument before it has several lines.
  Layout HuggedCall(const std::string& head, const Arguments& args, const Layouts& printed) {
    Layouts parts = {Text(head)};
    for (int i = 0; i + 1 < args.size(); ++i) {
      const Layout& arg = printed[static_cast<size_t>(i)];
      if (IsBroken(arg)) return nullptr;
      parts.push_back(Text(" "));
      parts.push_back(Group(arg));
    }
    const proto::Expr& lambda = *args.rbegin();
    parts.push_back(Text(" (" + LambdaHead(lambda)));
    parts.push_back(BelowHead(lambda));
    parts.push_back(Text(")"));
    return Join(std::move(parts));
  }

  Layout List(const proto::Expr& expr) {
    const auto& items = expr.list().items();
    if (items.empty()) return Text("[]");
    bool literals = true;  // as many as fit on each line
    for (int i = 0; i < items.size(); ++i)
      literals = literals && IsLiteral(items[i]) &&
                 !HasComments(comments_.At(PlaceKind::kItem, expr.id(), i));
    Layouts parts;
    for (int i = 0; i < items.size(); ++i) {
      const CommentsAt& at = comments_.At(PlaceKind::kItem, expr.id(), i);
      Layout item = WithComments(at, Align(Expression(items[i])));
      if (i > 0 && literals)
        item = Join({Text(";"), Group(Join({Line(" "), std::move(item)}))});
      else if (i > 0)
        item = Join({Line("; ", at.empty_line_first), std::move(item)});
      parts.push_back(std::move(item));
    }
    // At the start of a line `[fn x]` would be a header.
    const proto::FnCall& first = items[0].fn_call();
    bool header = StartsHeader("[" + first.name() + " ]");
    return Group(Join({Either(header ? "[ " : "[", "[ "), Align(Join(std::move(parts))),
                       Either(header ? " ]" : "]", " ]")}));
  }

  Layout Record(const proto::Expr& expr) {
    const auto& fields = expr.record().fields();
    if (fields.empty()) return Text("{}");
    Layouts parts;
    for (int i = 0; i < fields.size(); ++i) {
      const CommentsAt& at = comments_.At(PlaceKind::kField, expr.id(), i);
      if (i > 0) parts.push_back(Line("; ", at.empty_line_first));
      Layout field =
          Join({Text(RecordFieldText(fields[i].name()) + " ="), Bound(fields[i].value())});
      parts.push_back(WithComments(at, std::move(field)));
    }
    return Group(Join({Text("{ "), Align(Join(std::move(parts))), Text(" }")}));
  }

  Layout Tuple(const proto::ExprList& tuple) {
    Layouts parts;
    for (const proto::Expr& item : tuple.items()) {
      if (!parts.empty()) {
        parts.push_back(Text(","));
        parts.push_back(Line(" "));
      }
      parts.push_back(Contained(item));
    }
    return Group(InParentheses(Join(std::move(parts))));
  }

  const CommentPlaces& comments_;
  std::unordered_map<uint64_t, Layout> blocks_;  // by the id of the expression
};

}  // namespace

Layout ExpressionLayout(const proto::Expr& expr, const CommentPlaces& comments) {
  return Printer(comments).Block(expr);
}

}  // namespace nightjar::lang
