// What words of the notation are made of, and those that are never names. Pure; lexer, parser and
// printer share it.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace nightjar::lang {

constexpr bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool IsWordStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
constexpr bool IsWordPart(char c) {
  return IsWordStart(c) || IsDigit(c) || c == '\'';
}

inline bool IsWord(std::string_view name) {
  return !name.empty() && IsWordStart(name[0]) && std::all_of(name.begin(), name.end(), IsWordPart);
}

// They end an expression, wherever they stand.
inline constexpr std::array<std::string_view, 6> kReservedWords = {"in",   "then", "else",
                                                                   "elif", "with", "of"};
inline bool IsReserved(std::string_view word) {
  return std::find(kReservedWords.begin(), kReservedWords.end(), word) != kReservedWords.end();
}

}  // namespace nightjar::lang
