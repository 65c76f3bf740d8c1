#include "worker/lang/json_reader.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "ipc/core/ascii.h"
#include "worker/lang/unicode.h"

namespace nightjar::lang {
namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

class JsonReader {
 public:
  JsonReader(Arena& arena, std::string_view text, JsonComments comments, JsonNumbers numbers,
             int depth_max)
      : arena_(arena),
        text_(text),
        depth_max_(depth_max),
        skips_comments_(comments == JsonComments::kSkipped),
        non_finite_(numbers == JsonNumbers::kNonFiniteToo) {}

  bool Whole(Dval* value) {
    SkipSpace();
    if (failed_) return false;
    if (AtEnd()) return FailWith("JSON string was empty");
    if (!Value(value)) return false;
    SkipSpace();
    if (!failed_ && !AtEnd())
      Fail(Quoted() + " is invalid after a single JSON value. Expected end of data.");
    return !failed_;
  }
  std::string& error() { return error_; }

 private:
  bool AtEnd() const { return at_ >= text_.size(); }
  char Peek() const { return AtEnd() ? '\0' : text_[at_]; }

  // The byte that is wrong, as messages show it.
  std::string Quoted() const {
    auto c = static_cast<unsigned char>(Peek());
    if (c >= 0x20 && c < 0x7f) return std::string("'") + static_cast<char>(c) + "'";
    constexpr char kDigits[] = "0123456789ABCDEF";
    return std::string("'0x") + kDigits[c >> 4] + kDigits[c & 15] + "'";
  }

  bool FailWith(std::string message) {
    if (!failed_) error_ = std::move(message);
    failed_ = true;
    return false;
  }
  bool Fail(const std::string& message) {
    return FailWith(message + " LineNumber: " + std::to_string(line_) +
                    " | BytePositionInLine: " + std::to_string(at_ - line_start_) + ".");
  }

  void NextLine() {
    ++line_;
    line_start_ = at_ + 1;
  }

  void SkipSpace() {
    for (; !AtEnd(); ++at_) {
      char c = text_[at_];
      if (c == '\n') {
        NextLine();
      } else if (c == '/' && skips_comments_) {
        if (!SkipComment()) return;
        --at_;
      } else if (c != ' ' && c != '\t' && c != '\r') {
        return;
      }
    }
  }

  // To what follows it. False: it is no comment.
  bool SkipComment() {
    if (text_.substr(at_, 2) == "//") {
      while (!AtEnd() && text_[at_] != '\n') ++at_;
      return true;
    }
    if (text_.substr(at_, 2) != "/*") return false;
    for (at_ += 2; !AtEnd(); ++at_) {
      if (text_[at_] == '\n') NextLine();
      if (text_.substr(at_, 2) == "*/") {
        at_ += 2;
        return true;
      }
    }
    return Fail("Unexpected end of data while reading a comment.");
  }

  bool Value(Dval* value) {
    switch (char c = Peek()) {
      case '{':
        return Object(value);
      case '[':
        return Array(value);
      case '"': {
        std::string text;
        if (!String(&text)) return false;
        *value = NormalString(arena_, text);
        return true;
      }
      case 't':
        return Literal("true", Dval::Bool(true), value);
      case 'f':
        return Literal("false", Dval::Bool(false), value);
      case 'n':
        return Literal("null", Dval::Null(), value);
      default:
        if (non_finite_ && NonFinite(value)) return true;
        if (c == '-' || IsDigit(c)) return Number(value);
        if (AtEnd()) return Fail("Expected a value, but instead reached end of data.");
        return Fail(Quoted() + " is an invalid start of a value.");
    }
  }

  bool NonFinite(Dval* value) {
    for (const auto& [word, number] : {std::pair<std::string_view, double>("NaN", NAN),
                                       {"Infinity", HUGE_VAL},
                                       {"-Infinity", -HUGE_VAL}}) {
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      *value = Dval::Float(number);
      return true;
    }
    return false;
  }

  bool Literal(std::string_view word, const Dval& meaning, Dval* value) {
    for (size_t i = 0; i < word.size(); ++i) {
      if (at_ + i < text_.size() && text_[at_ + i] == word[i]) continue;
      at_ += i;
      return Fail((AtEnd() ? "'" + std::string(word) + "'" : Quoted()) +
                  " is an invalid JSON literal. Expected the literal '" + std::string(word) + "'.");
    }
    at_ += word.size();
    *value = meaning;
    return true;
  }

  bool Digits(const char* where) {
    if (AtEnd()) return Fail("Expected a digit ('0'-'9'), but instead reached end of data.");
    if (!IsDigit(Peek()))
      return Fail(Quoted() + " is invalid within a number, immediately after " + where +
                  ". Expected a digit ('0'-'9').");
    while (IsDigit(Peek())) ++at_;
    return true;
  }

  bool Number(Dval* value) {
    size_t begin = at_;
    bool is_float = false;
    if (Peek() == '-') {
      ++at_;
      if (!IsDigit(Peek())) return Digits("a sign character ('+' or '-')");
    }
    if (Peek() == '0') {
      ++at_;
      if (IsDigit(Peek())) return Fail("Invalid leading zero before " + Quoted() + ".");
    } else {
      while (IsDigit(Peek())) ++at_;
    }
    if (Peek() == '.') {
      is_float = true;
      ++at_;
      if (!Digits("a decimal point ('.')")) return false;
    }
    if (Peek() == 'e' || Peek() == 'E') {
      is_float = true;
      ++at_;
      if (Peek() == '+' || Peek() == '-') ++at_;
      if (!Digits("an exponent ('e' or 'E')")) return false;
    }
    if (!AtEnd() && std::string_view(" \t\r\n,]}/").find(Peek()) == std::string_view::npos)
      return Fail(Quoted() + " is an invalid end of a number. Expected a delimiter.");
    std::string digits(text_.substr(begin, at_ - begin));
    int64_t integer = 0;
    if (!is_float &&
        std::from_chars(digits.data(), digits.data() + digits.size(), integer).ec == std::errc())
      *value = Dval::Int(integer);
    else
      *value = Dval::Float(strtod(digits.c_str(), nullptr));
    return true;
  }

  bool String(std::string* text) {
    ++at_;
    for (;;) {
      if (AtEnd()) return Fail("Expected end of string, but instead reached end of data.");
      char c = text_[at_];
      if (c == '"') break;
      if (static_cast<unsigned char>(c) < 0x20)
        return Fail(Quoted() +
                    " is invalid within a JSON string. The string should be correctly escaped.");
      if (c == '\\') {
        if (!Escape(text)) return false;
        continue;
      }
      *text += c;
      ++at_;
    }
    ++at_;
    return true;
  }

  bool Escape(std::string* text) {
    constexpr std::string_view kFrom = "\"\\/bfnrt";
    constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
    ++at_;
    if (AtEnd()) return Fail("Expected end of string, but instead reached end of data.");
    if (Peek() == 'u') return Utf16(text);
    size_t kind = kFrom.find(Peek());
    if (kind == std::string_view::npos)
      return Fail(Quoted() +
                  " is an invalid escapable character within a JSON string. The string should be "
                  "correctly escaped.");
    *text += kTo[kind];
    ++at_;
    return true;
  }

  bool Hex(uint32_t* unit) {
    *unit = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      int digit = HexDigit(Peek());
      if (digit < 0)
        return Fail(Quoted() +
                    " is not a hex digit following '\\u' within a JSON string. The string should "
                    "be correctly escaped.");
      *unit = *unit << 4 | static_cast<uint32_t>(digit);
    }
    return true;
  }

  // Half of a pair alone becomes U+FFFD.
  bool Utf16(std::string* text) {
    uint32_t code;
    ++at_;
    if (!Hex(&code)) return false;
    if (code >= 0xd800 && code < 0xdc00 && text_.substr(at_, 2) == "\\u") {
      size_t second = at_;
      uint32_t low;
      at_ += 2;
      if (!Hex(&low)) return false;
      if (low >= 0xdc00 && low < 0xe000)
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      else
        at_ = second;
    }
    AppendUtf8(code >= 0xd800 && code < 0xe000 ? 0xfffd : code, text);
    return true;
  }

  bool Deeper(const char* what) {
    if (++depth_ <= depth_max_) return true;
    return Fail("The maximum configured depth of " + std::to_string(depth_max_) +
                " has been exceeded. Cannot read next JSON " + std::string(what) + ".");
  }

  // Behind a value in a container: a comma and more to come, the end, or neither.
  enum class Next { kMore, kEnd, kFailed };
  Next AfterValue(char close, const char* what) {
    SkipSpace();
    if (failed_) return Next::kFailed;
    if (Peek() == close && !AtEnd()) {
      ++at_;
      --depth_;
      return Next::kEnd;
    }
    if (AtEnd()) {
      Fail(
          "Expected depth to be zero at the end of the JSON payload. There is an open JSON "
          "object or array that should be closed.");
      return Next::kFailed;
    }
    if (Peek() != ',') {
      Fail(Quoted() + " is invalid after a value. Expected either ',', '}', or ']'.");
      return Next::kFailed;
    }
    ++at_;
    SkipSpace();
    if (!failed_ && Peek() == close && !AtEnd())
      FailWith("The JSON " + std::string(what) +
               " contains a trailing comma at the end, at on line " + std::to_string(line_) +
               ", position " + std::to_string(at_ - line_start_));
    return failed_ ? Next::kFailed : Next::kMore;
  }

  bool Array(Dval* value) {
    if (!Deeper("array")) return false;
    std::vector<Dval> items;
    ++at_;
    SkipSpace();
    bool empty = Peek() == ']';
    for (Next next = Next::kMore; !empty && next == Next::kMore;) {
      if (failed_ || !Value(&items.emplace_back())) return false;
      next = AfterValue(']', "array");
      if (next == Next::kFailed) return false;
    }
    if (empty) {
      ++at_;
      --depth_;
    }
    Dval* copy = arena_.Array<Dval>(items.size());
    std::copy(items.begin(), items.end(), copy);
    *value = MakeList(arena_, copy, items.size());
    return true;
  }

  bool Object(Dval* value) {
    if (!Deeper("object")) return false;
    const ObjectNode* object = nullptr;
    ++at_;
    SkipSpace();
    bool empty = Peek() == '}';
    for (Next next = Next::kMore; !empty && next == Next::kMore;) {
      if (failed_ || !Field(&object)) return false;
      next = AfterValue('}', "object");
      if (next == Next::kFailed) return false;
    }
    if (empty) {
      ++at_;
      --depth_;
    }
    *value = Dval::Object(object);
    return true;
  }

  bool Field(const ObjectNode** object) {
    if (AtEnd())
      return Fail(
          "Expected depth to be zero at the end of the JSON payload. There is an open "
          "JSON object or array that should be closed.");
    if (Peek() != '"')
      return Fail(Quoted() + " is an invalid start of a property name. Expected a '\"'.");
    std::string name;
    if (!String(&name)) return false;
    SkipSpace();
    if (failed_) return false;
    if (Peek() != ':') return Fail(Quoted() + " is invalid after a property name. Expected a ':'.");
    ++at_;
    SkipSpace();
    Dval value;
    if (failed_ || !Value(&value)) return false;
    *object = ObjectSet(arena_, *object, NormalString(arena_, name).text, value);
    return true;
  }

  Arena& arena_;
  const std::string_view text_;
  const int depth_max_;
  const bool skips_comments_;
  const bool non_finite_;
  size_t at_ = 0;
  size_t line_ = 0;
  size_t line_start_ = 0;
  int depth_ = 0;
  bool failed_ = false;
  std::string error_;
};

}  // namespace

bool ReadJson(Arena& arena, std::string_view text, JsonComments comments, Dval* value,
              std::string* error, JsonNumbers numbers, int depth_max) {
  JsonReader reader(arena, text, comments, numbers, depth_max);
  Dval read;
  if (!reader.Whole(&read)) {
    *error = std::move(reader.error());
    return false;
  }
  *value = read;
  return true;
}

}  // namespace nightjar::lang
