#include <unicode/uchar.h>

#include "worker/lang/unicode.h"
#include "worker/stdlib/library.h"

namespace nightjar::lang {
namespace {

// Asks about characters of one code point in the basic plane; the others are none of these.
template <bool (*kIs)(char32_t)>
Dval Is(const Call& call) {
  std::string_view text = call[0].view();
  size_t at = 0;
  char32_t first = NextCodePoint(text, &at);
  return Dval::Bool(at == text.size() && first < 0x10000 && kIs(first));
}

// What is in one case and has the other.
template <std::string (*kOne)(std::string_view), std::string (*kOther)(std::string_view)>
Dval IsCase(const Call& call) {
  std::string_view text = call[0].view();
  return Dval::Bool(kOne(text) == text && kOther(text) != text);
}

// In every script.
bool IsDigit(char32_t c) {
  return u_isdigit(static_cast<UChar32>(c));
}
bool IsAsciiLetter(char32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool IsAsciiCharacter(char32_t c) {
  return c < 0x80;
}

}  // namespace

void AddChar(Tables& tables) {
  Module m(tables, "Char");
  auto one = [&](std::string_view name, Implementation run) {
    m.Add(name, 0, {{"c", kCharacter}}, kBool, run);
  };
  one("isLowercase", IsCase<ToLower, ToUpper>);
  one("isUppercase", IsCase<ToUpper, ToLower>);
  one("isDigit", Is<IsDigit>);
  one("isASCIILetter", Is<IsAsciiLetter>);
  one("isASCII", Is<IsAsciiCharacter>);
  m.Add("toLowercase", 0, {{"c", kAny}}, kCharacter, RemovedFunction)
      .Deprecated("Char.toLowercase_v1");
  m.Add("toUppercase", 0, {{"c", kAny}}, kCharacter, RemovedFunction)
      .Deprecated("Char.toUppercase_v1");
  m.Add("toLowercase", 1, {{"c", kCharacter}}, kCharacter, [](const Call& call) {
    return NormalString(call.arena, ToLower(call[0].view()), Tag::kCharacter);
  });
  m.Add("toUppercase", 1, {{"c", kCharacter}}, kCharacter, [](const Call& call) {
    return NormalString(call.arena, ToUpper(call[0].view()), Tag::kCharacter);
  });
  m.Add("toASCIICode", 0, {{"c", kAny}}, kInt, RemovedFunction).Deprecated("it is gone");
  m.Add("toASCIIChar", 0, {{"i", kAny}}, kCharacter, RemovedFunction).Deprecated("it is gone");
}

}  // namespace nightjar::lang
