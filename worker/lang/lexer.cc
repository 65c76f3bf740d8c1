#include "worker/lang/lexer.h"

#include <array>

#include "ipc/core/ascii.h"
#include "ipc/core/utf8.h"
#include "worker/lang/words.h"

namespace nightjar::lang {
namespace {

// Longest first.
constexpr std::array<std::string_view, 21> kOperators = {"|>", "->", "<=", ">=", "==", "!=", "<>",
                                                         "++", "&&", "||", "+",  "-",  "*",  "/",
                                                         "%",  "^",  "<",  ">",  "=",  "|",  "::"};

class Lexer {
 public:
  Lexer(std::string_view text, uint32_t first_line) : text_(text), line_(first_line) {}

  LexResult Run() {
    while (SkipBlank() && result_.errors.empty()) One();
    Push(TokenKind::kEnd, "");
    return std::move(result_);
  }

 private:
  char Peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  void Advance() {
    if (text_[at_] == '\n') {
      ++line_;
      ++newlines_;
      column_ = 1;
      fresh_line_ = true;
    } else if ((static_cast<unsigned char>(text_[at_]) & 0xc0) != 0x80) {
      ++column_;
    }
    ++at_;
  }

  void Fail(std::string message) { result_.errors.push_back({line_, column_, std::move(message)}); }

  // False at the end.
  bool SkipBlank() {
    space_ = at_ == 0;
    while (at_ < text_.size()) {
      char c = text_[at_];
      if (c == '/' && Peek(1) == '/') {
        size_t begin = at_;
        bool after_code = !fresh_line_;
        while (at_ < text_.size() && text_[at_] != '\n') Advance();
        KeepComment(begin, after_code, newlines_);
      } else if (c == '(' && Peek(1) == '*' && Peek(2) != ')') {
        if (!SkipBlockComment()) return false;
      } else if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
        Advance();
      } else {
        return true;
      }
      space_ = true;
    }
    return false;
  }

  // `newlines` stood between it and what was before.
  void KeepComment(size_t begin, bool after_code, int newlines) {
    std::string_view text = text_.substr(begin, at_ - begin);
    text = text.substr(0, text.find_last_not_of(" \t\r") + 1);
    result_.comments.push_back({text, result_.tokens.size(), after_code, newlines > 1});
    newlines_ = 0;
  }

  // They may stand in each other. `(*)` is no comment but the operator.
  bool SkipBlockComment() {
    size_t begin = at_;
    bool after_code = !fresh_line_;
    int newlines = newlines_;
    uint32_t line = line_;
    uint32_t column = column_;
    int open = 0;
    while (at_ < text_.size()) {
      if (text_.substr(at_, 2) == "(*" || text_.substr(at_, 2) == "*)") {
        open += Peek() == '(' ? 1 : -1;
        Advance();
      }
      Advance();
      if (open > 0) continue;
      KeepComment(begin, after_code, newlines);
      return true;
    }
    result_.errors.push_back({line, column, "this comment has no end"});
    return false;
  }

  void Push(TokenKind kind, std::string text) {
    Token token{kind,   std::move(text), start_line_, start_column_,
                space_, start_fresh_,    false,       start_newlines_ > 1};
    if (kind == TokenKind::kEnd) {
      token.line = line_;
      token.column = column_;
      token.first_on_line = true;
      token.blank_before = newlines_ > 1;
    }
    result_.tokens.push_back(std::move(token));
    fresh_line_ = false;
    newlines_ = 0;
  }

  // A minus sign is part of a number when a number follows at once and no operand stands directly
  // before: `f -5`, `(-5`, `[-1`.
  bool StartsNegativeLiteral() const {
    if (Peek() != '-' || !IsDigit(Peek(1))) return false;
    if (result_.tokens.empty() || space_) return true;
    const Token& before = result_.tokens.back();
    return before.text == "(" || before.text == "[" || before.text == "," || before.text == ";" ||
           before.kind == TokenKind::kOperator;
  }

  void One() {
    start_line_ = line_;
    start_column_ = column_;
    start_fresh_ = fresh_line_;  // a text may go over several lines
    start_newlines_ = newlines_;
    char c = Peek();
    if (IsDigit(c) || StartsNegativeLiteral()) return Number();
    if (text_.substr(at_, 3) == "\"\"\"") return RawString("\"\"\"", 3);
    if (c == '@' && Peek(1) == '"') return RawString("\"", 2);
    if (c == '"') return String();
    if (c == '\'') return Character();
    if (c == '`' && Peek(1) == '`') return QuotedWord();
    if (IsWordStart(c)) return Word();
    for (std::string_view op : kOperators) {
      if (text_.substr(at_, op.size()) != op) continue;
      for (size_t i = 0; i < op.size(); ++i) Advance();
      return Push(TokenKind::kOperator, std::string(op));
    }
    if (std::string_view("()[]{},;.:").find(c) != std::string_view::npos) {
      Advance();
      return Push(TokenKind::kPunctuation, std::string(1, c));
    }
    Fail("this character has no meaning here");
  }

  void Keep(std::string* text) {
    *text += Peek();
    Advance();
  }

  // Underscores between digits only help whoever reads them.
  void Digits(std::string* text) {
    while (IsDigit(Peek()) || (Peek() == '_' && IsDigit(Peek(1)))) {
      if (Peek() == '_') Advance();
      Keep(text);
    }
  }

  void Hexadecimal(std::string sign) {
    Advance();
    Advance();
    uint64_t value = 0;
    size_t digits = 0;
    for (; isxdigit(static_cast<unsigned char>(Peek())); ++digits) {
      char c = Peek();
      value = value << 4 | static_cast<uint64_t>(IsDigit(c) ? c - '0' : (c | 32) - 'a' + 10);
      Advance();
    }
    if (Peek() == 'I' || Peek() == 'L') Advance();
    if (digits == 0 || digits > 16 || IsWordPart(Peek()))
      return Fail("a hexadecimal number has 1 to 16 digits");
    Push(TokenKind::kInteger,
         sign.empty() ? std::to_string(static_cast<int64_t>(value)) : sign + std::to_string(value));
  }

  void Number() {
    std::string digits;
    if (Peek() == '-') Keep(&digits);
    if (Peek() == '0' && (Peek(1) | 32) == 'x') return Hexadecimal(std::move(digits));
    Digits(&digits);
    bool is_float = false;
    // `1.` is a float as well, but not before what could be a field.
    char next = Peek(1);
    if (Peek() == '.' && next != '.' && next != '`' && !IsWordStart(next)) {
      is_float = true;
      Keep(&digits);
      Digits(&digits);
    }
    if ((Peek() == 'e' || Peek() == 'E') &&
        (IsDigit(Peek(1)) || ((Peek(1) == '+' || Peek(1) == '-') && IsDigit(Peek(2))))) {
      is_float = true;
      Keep(&digits);
      Keep(&digits);
      Digits(&digits);
    }
    if (!is_float && (Peek() == 'I' || Peek() == 'L')) Advance();  // F#'s big and 64-bit suffixes
    if (IsWordPart(Peek())) return Fail("a number must not run into a word");
    Push(is_float ? TokenKind::kFloat : TokenKind::kInteger, std::move(digits));
  }

  void Word() {
    size_t begin = at_;
    while (IsWordPart(Peek())) Advance();
    Push(TokenKind::kWord, std::string(text_.substr(begin, at_ - begin)));
  }

  void QuotedWord() {
    size_t end = text_.find("``", at_ + 2);
    if (end == std::string_view::npos) return Fail("a name in double backticks has no end");
    std::string name(text_.substr(at_ + 2, end - at_ - 2));
    while (at_ < end + 2) Advance();
    Push(TokenKind::kWord, std::move(name));
    result_.tokens.back().quoted = true;
  }

  // Without escapes: """...""", or @"..." in which two quotes are one.
  void RawString(std::string_view close, size_t open_bytes) {
    for (size_t i = 0; i < open_bytes; ++i) Advance();
    std::string content;
    for (;;) {
      if (at_ >= text_.size()) {
        result_.errors.push_back({start_line_, start_column_, "this string has no closing quote"});
        return;
      }
      bool closes = text_.substr(at_, close.size()) == close;
      if (closes && close.size() == 1 && Peek(1) == '"') {
        Advance();
        closes = false;
      }
      if (closes) break;
      Keep(&content);
    }
    for (size_t i = 0; i < close.size(); ++i) Advance();
    Push(TokenKind::kString, std::move(content));
  }

  void String() {
    std::string content;
    Advance();
    while (Peek() != '"') {
      if (at_ >= text_.size()) {
        result_.errors.push_back({start_line_, start_column_, "this string has no closing quote"});
        return;
      }
      if (!Element(content)) return;
    }
    Advance();
    Push(TokenKind::kString, std::move(content));
  }

  void Character() {
    std::string content;
    Advance();
    while (Peek() != '\'' && at_ < text_.size() && Peek() != '\n')
      if (!Element(content)) return;
    if (Peek() != '\'' || content.empty())
      return Fail("a character stands between two single quotes");
    Advance();
    Push(TokenKind::kCharacter, std::move(content));
  }

  // One character of a string, decoded.
  bool Element(std::string& out) {
    if (Peek() != '\\') {
      out += Peek();
      Advance();
      return true;
    }
    Advance();
    char c = Peek();
    if (at_ >= text_.size()) return Fail("the text ends in an escape"), false;
    if (IsDigit(c) && IsDigit(Peek(1)) && IsDigit(Peek(2))) return Trigraph(out);
    Advance();
    switch (c) {
      case '\n':  // the string goes on with the first word of the next line
        while (Peek() == ' ' || Peek() == '\t') Advance();
        return true;
      case 'n':
        out += '\n';
        return true;
      case 't':
        out += '\t';
        return true;
      case 'r':
        out += '\r';
        return true;
      case 'b':
        out += '\b';
        return true;
      case 'f':
        out += '\f';
        return true;
      case 'v':
        out += '\v';
        return true;
      case 'a':
        out += '\a';
        return true;
      case '0':
        out += '\0';
        return true;
      case '\\':
      case '"':
      case '\'':
        out += c;
        return true;
      case 'u':
        return CodePoint(4, out);
      case 'U':
        return CodePoint(8, out);
      case 'x':
        return CodePoint(2, out);
      default:  // F# keeps an unknown escape as it stands
        out += '\\';
        out += c;
        return true;
    }
  }

  // Three decimal digits are a code point.
  bool Trigraph(std::string& out) {
    uint32_t value = 0;
    for (int i = 0; i < 3; ++i, Advance()) value = value * 10 + static_cast<uint32_t>(Peek() - '0');
    if (value > 255) return Fail("there is no such character"), false;
    Encode(value, out);
    return true;
  }

  bool HexDigits(int digits, uint32_t* value) {
    *value = 0;
    for (int i = 0; i < digits; ++i) {
      int digit = HexDigit(Peek());
      if (digit < 0) {
        Fail("this escape needs " + std::to_string(digits) + " hexadecimal digits");
        return false;
      }
      *value = *value << 4 | static_cast<uint32_t>(digit);
      Advance();
    }
    return true;
  }

  bool CodePoint(int digits, std::string& out) {
    uint32_t value;
    if (!HexDigits(digits, &value)) return false;
    if (value >= 0xd800 && value < 0xdc00 && Peek() == '\\' && Peek(1) == 'u') {
      Advance();
      Advance();
      uint32_t low;
      if (!HexDigits(4, &low)) return false;
      if (low < 0xdc00 || low >= 0xe000) return Fail("there is no such character"), false;
      value = 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
    }
    if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
      return Fail("there is no such character"), false;
    Encode(value, out);
    return true;
  }

  static void Encode(uint32_t value, std::string& out) {
    if (value < 0x80) {
      out += static_cast<char>(value);
    } else if (value < 0x800) {
      out += static_cast<char>(0xc0 | value >> 6);
      out += static_cast<char>(0x80 | (value & 0x3f));
    } else if (value < 0x10000) {
      out += static_cast<char>(0xe0 | value >> 12);
      out += static_cast<char>(0x80 | (value >> 6 & 0x3f));
      out += static_cast<char>(0x80 | (value & 0x3f));
    } else {
      out += static_cast<char>(0xf0 | value >> 18);
      out += static_cast<char>(0x80 | (value >> 12 & 0x3f));
      out += static_cast<char>(0x80 | (value >> 6 & 0x3f));
      out += static_cast<char>(0x80 | (value & 0x3f));
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  uint32_t line_;
  uint32_t column_ = 1;
  uint32_t start_line_ = 1;
  uint32_t start_column_ = 1;
  bool space_ = false;
  bool fresh_line_ = true;
  bool start_fresh_ = true;
  int newlines_ = 1;  // since the last token or comment
  int start_newlines_ = 1;
  LexResult result_;
};

}  // namespace

LexResult Lex(std::string_view text, uint32_t first_line) {
  return Lexer(text, first_line).Run();
}

}  // namespace nightjar::lang
