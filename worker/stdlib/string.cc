#include <unicode/uchar.h>

#include "worker/lang/unicode.h"
#include "worker/stdlib/find_text.h"
#include "worker/stdlib/library.h"

namespace nightjar::lang {
namespace {

bool IsSpace(char32_t c) {
  return u_isUWhiteSpace(static_cast<UChar32>(c));
}

std::string_view TrimmedStart(std::string_view text) {
  size_t start = 0;
  for (size_t at = 0; at < text.size(); start = at)
    if (!IsSpace(NextCodePoint(text, &at))) break;
  return text.substr(start);
}

std::string_view TrimmedEnd(std::string_view text) {
  size_t end = 0;
  for (size_t at = 0; at < text.size();)
    if (!IsSpace(NextCodePoint(text, &at))) end = at;
  return text.substr(0, end);
}

std::string AsciiCase(std::string_view text, char from, char to, int shift) {
  std::string mapped(text);
  for (char& c : mapped)
    if (c >= from && c <= to) c = static_cast<char>(c + shift);
  return mapped;
}

bool Contains(std::string_view text, std::string_view part) {
  return FindText(text, part) != std::string_view::npos;
}

Dval Join(const Call& call, size_t first, size_t second) {
  return JoinNormal(call.arena, call[first], call[second]);
}

void AddWhole(Module& m) {
  m.Add("append", 0, {{"s1", kStr}, {"s2", kStr}}, kStr, [](const Call& call) {
     return Join(call, 0, 1);
   }).Deprecated("String.append_v1");
  m.Add("append", 1, {{"s1", kStr}, {"s2", kStr}}, kStr, [](const Call& call) {
     return Join(call, 0, 1);
   }).Infix("++");
  m.Add("prepend", 0, {{"s1", kStr}, {"s2", kStr}}, kStr,
        [](const Call& call) { return Join(call, 1, 0); });
  m.Add("newline", 0, {}, kStr, [](const Call& call) { return call.String("\n"); });
  m.Add("isEmpty", 0, {{"s", kStr}}, kBool,
        [](const Call& call) { return Dval::Bool(call[0].view().empty()); });
  m.Add("length", 0, {{"s", kStr}}, kInt, [](const Call& call) {
     return Dval::Int(static_cast<int64_t>(call[0].view().size()));
   }).Deprecated("String.length_v1");
  m.Add("length", 1, {{"s", kStr}}, kInt, [](const Call& call) {
    return Dval::Int(static_cast<int64_t>(CountGraphemes(call[0].view())));
  });
}

void AddCase(Module& m) {
  m.Add("toUppercase", 0, {{"s", kStr}}, kStr, [](const Call& call) {
     return call.String(AsciiCase(call[0].view(), 'a', 'z', 'A' - 'a'));
   }).Deprecated("String.toUppercase_v1");
  m.Add("toUppercase", 1, {{"s", kStr}}, kStr,
        [](const Call& call) { return call.String(ToUpper(call[0].view())); });
  m.Add("toLowercase", 0, {{"s", kStr}}, kStr, [](const Call& call) {
     return call.String(AsciiCase(call[0].view(), 'A', 'Z', 'a' - 'A'));
   }).Deprecated("String.toLowercase_v1");
  m.Add("toLowercase", 1, {{"s", kStr}}, kStr,
        [](const Call& call) { return call.String(ToLower(call[0].view())); });
}

void AddTrim(Module& m) {
  m.Add("trim", 0, {{"str", kStr}}, kStr, [](const Call& call) {
    return ShareString(call.arena, TrimmedEnd(TrimmedStart(call[0].view())));
  });
  m.Add("trimStart", 0, {{"str", kStr}}, kStr,
        [](const Call& call) { return ShareString(call.arena, TrimmedStart(call[0].view())); });
  m.Add("trimEnd", 0, {{"str", kStr}}, kStr,
        [](const Call& call) { return ShareString(call.arena, TrimmedEnd(call[0].view())); });
}

void AddSearch(Module& m) {
  m.Add("startsWith", 0, {{"subject", kStr}, {"prefix", kStr}}, kBool,
        [](const Call& call) { return Dval::Bool(call[0].view().starts_with(call[1].view())); });
  m.Add("endsWith", 0, {{"subject", kStr}, {"suffix", kStr}}, kBool,
        [](const Call& call) { return Dval::Bool(call[0].view().ends_with(call[1].view())); });
  m.Add("contains", 0, {{"lookingIn", kStr}, {"searchingFor", kStr}}, kBool,
        [](const Call& call) { return Dval::Bool(Contains(call[0].view(), call[1].view())); });
  m.Add("isSubstring", 0, {{"searchingFor", kStr}, {"lookingIn", kStr}}, kBool,
        [](const Call& call) { return Dval::Bool(Contains(call[1].view(), call[0].view())); })
      .Deprecated("String.isSubstring_v1");
  m.Add("isSubstring", 1, {{"lookingIn", kStr}, {"searchingFor", kStr}}, kBool,
        [](const Call& call) { return Dval::Bool(Contains(call[0].view(), call[1].view())); })
      .Deprecated("String.contains_v0");
}

}  // namespace

void AddString(Tables& tables) {
  Module m(tables, "String");
  AddWhole(m);
  AddCase(m);
  AddTrim(m);
  AddSearch(m);
}

}  // namespace nightjar::lang
