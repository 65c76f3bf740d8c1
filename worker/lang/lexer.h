// Cuts canvas text into tokens and comments with their positions. Linear in the text. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nightjar::lang {

enum class TokenKind {
  kEnd,
  kInteger,  // text: digits, with a leading '-' for a negative literal
  kFloat,
  kString,  // text: the decoded content
  kCharacter,
  kWord,        // identifier or keyword; dots are tokens of their own
  kOperator,    // + - * / % ^ < > <= >= == != ++ && || |> -> = |
  kPunctuation  // ( ) [ ] { } , ; . :
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  uint32_t line = 1;    // from 1
  uint32_t column = 1;  // from 1, in code points
  bool space_before = false;
  bool first_on_line = false;
  bool quoted = false;        // a ``word`` in backticks: never a keyword
  bool blank_before = false;  // an empty line stands between it and what is before, comments too
};

struct Comment {
  std::string_view text;    // with its marks, a view of what was read; without spaces at its end
  size_t token = 0;         // the index of the token that follows
  bool after_code = false;  // a token stands before it on its line
  bool blank_before = false;
};

struct LexError {
  uint32_t line;
  uint32_t column;
  std::string message;
};

// The tokens of `text`, ended by one kEnd; its first line counts as `first_line`. On an error the
// tokens up to it, and the error.
struct LexResult {
  std::vector<Token> tokens;
  std::vector<LexError> errors;
  std::vector<Comment> comments;
};
LexResult Lex(std::string_view text, uint32_t first_line);

}  // namespace nightjar::lang
