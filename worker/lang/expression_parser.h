// The expression half of the parser: tokens of one toplevel to its tree. Internal to worker/lang.
//
// Layout follows F#'s offside rule as far as canvases use it: a line that starts at or left of the
// column where a block began ends what was being read; `let` without `in` binds for the lines below
// it at its own column.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "ipc/proto/program.pb.h"
#include "worker/lang/lexer.h"
#include "worker/lang/parser.h"

namespace nightjar::lang {

// Where an expression stands: its first token, and the one after its last.
struct Span {
  size_t begin = 0;  // without the parentheses around it
  size_t outer_begin = 0;
  size_t outer_end = 0;
};
// By the ids of expressions; those that are operands or arguments without parentheses are not told.
using Spans = std::unordered_map<uint64_t, Span>;

class ExpressionParser {
 public:
  // Ids count up from `first_id`, so they are the same whenever the text is. Where each expression
  // stands is added to *places, in the order of ids.
  ExpressionParser(std::vector<Token> tokens, uint64_t first_id, std::vector<Place>* places,
                   Notation notation = Notation::kCanvas);

  // Before parsing: *spans takes where expressions stand, for whoever writes them again.
  void KeepSpans(Spans* spans) { spans_ = spans; }

  // The whole of the tokens as one expression. On an error nothing, and error() says what and
  // where.
  std::optional<proto::Expr> ParseWhole();
  const LexError& error() const { return error_; }
  // The operator at the root of the whole, as it is written; "" when there is none.
  const std::string& root() const { return root_; }

 private:
  // Thrown nowhere: a failed parse sets failed_ and every loop looks at it.
  const Token& Now() const { return tokens_[at_]; }
  bool Is(std::string_view text) const;
  bool IsKeyword(std::string_view word) const;
  bool Offside() const;
  void Take() {
    if (at_ + 1 < tokens_.size()) ++at_;
  }
  bool Expect(std::string_view text, const char* what);
  void Fail(const std::string& message);
  // A new expression that begins at the current token, or at `start`.
  proto::Expr Node();
  proto::Expr NodeAt(const Token& start);
  proto::Pattern PatternNode();
  // What was read from the token `begin` up to here is `expr`.
  void Stands(const proto::Expr& expr, size_t begin);

  proto::Expr Expression(int min_binding);
  // Whether an expression of this height may stand here; fails when not.
  bool Bounded(int height);
  proto::Expr Block(uint32_t column);
  proto::Expr Prefix();
  proto::Expr Application();
  proto::Expr Atom();
  proto::Expr Postfix(proto::Expr object);
  bool StartsAtom() const;
  proto::Expr LetIn();
  proto::Expr IfThenElse();
  proto::Expr MatchWith();
  proto::Expr Fun();
  proto::Expr Parenthesized();
  proto::Expr ListLiteral();
  proto::Expr RecordLiteral();
  proto::Expr Named();
  bool TakeQualified(std::string* module, std::string* name);
  proto::Expr CallOf(const Token& start, const std::string& module, const std::string& name);
  proto::Expr Special(const std::string& word);
  bool Special(const Token& token) const;
  // `bare`: the value stands there without parentheses around it.
  proto::Expr Pipe(proto::Expr value, bool bare);
  proto::Expr PipeEntry();
  static proto::Expr LastArgumentOf(proto::Expr* value);
  proto::Expr IntoEntry(proto::Expr entry);
  std::string BindingName();
  proto::Pattern PatternTop();
  proto::Pattern PatternAtom();
  std::vector<proto::Expr> Arguments();

  const Notation notation_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  uint64_t next_id_;
  std::vector<Place>& places_;
  int nesting_ = 0;          // of the expression being read
  int pattern_nesting_ = 0;  // of the pattern being read
  int tallest_ = 0;          // of what was read inside of it
  uint32_t offside_ =
      0;  // a line that starts at or left of this column ends the current expression
  bool failed_ = false;
  LexError error_{};
  std::string root_;
  Spans* spans_ = nullptr;
};

}  // namespace nightjar::lang
