#include "worker/lang/shape_header.h"

#include <set>

#include "worker/lang/literal_text.h"
#include "worker/lang/words.h"

namespace nightjar::lang {
namespace {

class ShapeReader {
 public:
  explicit ShapeReader(const std::vector<Token>& tokens) : tokens_(tokens) {}

  std::optional<Shape> Read(LexError* error) {
    error_ = error;
    shape_.name = Now().text;
    if (Now().kind != TokenKind::kWord || Now().quoted) return Fail("expected a name");
    Take();
    if (AtEnd()) return shape_;
    if (!TakeIf("{")) return Fail("expected `{`, and fields");
    while (!TakeIf("}"))
      if (!Field()) return std::nullopt;
    if (!AtEnd()) return Fail("nothing follows the closing `}`");
    return shape_;
  }

 private:
  const Token& Now() const { return tokens_[at_]; }
  bool AtEnd() const { return Now().kind == TokenKind::kEnd; }
  void Take() { at_ += AtEnd() ? 0 : 1; }
  bool Is(std::string_view punctuation) const {
    return Now().kind == TokenKind::kPunctuation && Now().text == punctuation;
  }
  bool TakeIf(std::string_view punctuation) {
    bool is = Is(punctuation);
    if (is) Take();
    return is;
  }
  std::nullopt_t Fail(const std::string& message) { return FailAt(Now(), message); }
  std::nullopt_t FailAt(const Token& token, const std::string& message) {
    *error_ = {token.line, token.column, message};
    return std::nullopt;
  }

  // A word or a text.
  bool TakeText(std::string* text) {
    bool is = Now().kind == TokenKind::kWord || Now().kind == TokenKind::kString;
    if (!is || Now().text.empty()) return false;
    *text = Now().text;
    Take();
    return true;
  }

  bool Type(std::string* type) {
    if (!TakeIf("[")) return TakeText(type);
    if (!TakeText(type) || !TakeIf("]")) return false;
    *type = "[" + *type + "]";
    return true;
  }

  bool Field() {
    const Token& start = Now();
    ShapeField field;
    if (!TakeText(&field.name) || !TakeIf(":") || !Type(&field.type)) {
      Fail("each field has a name and a type, as in `{ name: Str }`");
      return false;
    }
    if (!names_.insert(field.name).second) {
      FailAt(start, "there is a second `" + field.name + "`");
      return false;
    }
    shape_.fields.push_back(std::move(field));
    if (!TakeIf(",") && !TakeIf(";") && !Is("}")) {
      Fail("expected `,` between fields, or `}`");
      return false;
    }
    return true;
  }

  const std::vector<Token>& tokens_;
  size_t at_ = 0;
  LexError* error_ = nullptr;
  Shape shape_;
  std::set<std::string> names_;
};

bool IsPlain(std::string_view type) {
  bool list = type.starts_with('[') && type.ends_with(']');
  return IsWord(list ? type.substr(1, type.size() - 2) : type);
}

}  // namespace

std::optional<Shape> ReadShape(std::string_view text, LexError* error) {
  LexResult lexed = Lex(text, 1);
  if (!lexed.errors.empty()) {
    *error = lexed.errors[0];
    return std::nullopt;
  }
  if (!lexed.comments.empty()) {
    *error = {1, 1, "a header has no comments"};
    return std::nullopt;
  }
  return ShapeReader(lexed.tokens).Read(error);
}

std::string ShapeText(const Shape& shape) {
  std::string text = shape.name + " {";
  for (const ShapeField& field : shape.fields)
    text += (text.ends_with('{') ? " " : ", ") + RecordFieldText(field.name) + ": " +
            (IsPlain(field.type) ? field.type : StringLiteral(field.type));
  return text + (shape.fields.empty() ? "}" : " }");
}

}  // namespace nightjar::lang
