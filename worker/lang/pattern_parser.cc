// The patterns of `match`, as ExpressionParser reads them.
#include <charconv>
#include <cstdlib>

#include "worker/lang/expression_parser.h"
#include "worker/lang/parser.h"

namespace nightjar::lang {

proto::Pattern ExpressionParser::PatternTop() {
  proto::Pattern first = PatternAtom();
  if (failed_ || !Is(",")) return first;
  // `| 1, x ->`: a tuple without its parentheses.
  proto::Pattern node = PatternNode();
  *node.mutable_tuple()->add_items() = std::move(first);
  while (!failed_ && Is(",")) {
    Take();
    *node.mutable_tuple()->add_items() = PatternAtom();
  }
  return node;
}

proto::Pattern ExpressionParser::PatternAtom() {
  proto::Pattern node = PatternNode();
  const Token token = Now();
  if (++pattern_nesting_ > kPatternNestingMax)
    Fail("patterns are nested deeper than " + std::to_string(kPatternNestingMax));
  if (failed_) return node;
  switch (token.kind) {
    case TokenKind::kInteger: {
      int64_t value = 0;
      auto [end, failed] =
          std::from_chars(token.text.data(), token.text.data() + token.text.size(), value);
      if (failed != std::errc()) Fail("this integer does not fit 64 bits");
      node.set_integer(value);
      Take();
      break;
    }
    case TokenKind::kFloat:
      node.set_float_(strtod(token.text.c_str(), nullptr));
      Take();
      break;
    case TokenKind::kString:
      node.set_string(token.text);
      Take();
      break;
    case TokenKind::kCharacter:
      node.set_character(token.text);
      Take();
      break;
    case TokenKind::kWord:
      if (token.text == "true" || token.text == "false") {
        node.set_bool_(token.text == "true");
      } else if (token.text == "null") {
        node.mutable_null();
      } else if (token.text == "blank") {
        node.mutable_blank();
      } else if (token.text[0] >= 'A' && token.text[0] <= 'Z') {
        node.mutable_constructor()->set_name(token.text);
        Take();
        if (!failed_ && !Is("->") && !Is(")") && !Is(","))
          *node.mutable_constructor()->add_args() = PatternAtom();
        break;
      } else {
        node.set_variable(token.text == "___" ? "" : token.text);
      }
      Take();
      break;
    default:
      if (!Is("(")) {
        Fail("expected a pattern");
        break;
      }
      Take();
      node = PatternTop();
      Expect(")", "`)` after the pattern");
  }
  --pattern_nesting_;
  return node;
}

}  // namespace nightjar::lang
