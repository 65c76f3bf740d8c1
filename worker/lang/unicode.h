// Unicode as the language sees it: strings are NFC, characters are extended grapheme clusters.
//
// ICU does the work where there is any; text of ASCII alone, which most is, never reaches it. Its
// tables are loaded by WarmUnicode(), before a worker is sealed. Single thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "worker/lang/value.h"

namespace nightjar::lang {

void WarmUnicode();

bool IsAscii(std::string_view text);

// A string of any text: bytes that are not UTF-8 become U+FFFD, and the whole NFC.
Dval NormalString(Arena& arena, std::string_view text, Tag tag = Tag::kString);
// Two normal strings after each other, normal again.
Dval JoinNormal(Arena& arena, const Dval& left, const Dval& right);

// Cuts normal text into its characters. One at a time: they share ICU's iterator.
class Graphemes {
 public:
  explicit Graphemes(std::string_view text);
  ~Graphemes();
  Graphemes(const Graphemes&) = delete;
  Graphemes& operator=(const Graphemes&) = delete;

  // The next character, or "" at the end.
  std::string_view Next();

 private:
  std::string_view text_;
  size_t at_ = 0;
  bool ascii_;
};

size_t CountGraphemes(std::string_view text);
// The byte offset behind the first `count` characters, at most the size of the text.
size_t GraphemeOffset(std::string_view text, size_t count);

std::string ToUpper(std::string_view text);
std::string ToLower(std::string_view text);

// The code points of valid UTF-8, one after the other: moves `at`.
char32_t NextCodePoint(std::string_view text, size_t* at);

void AppendUtf8(char32_t code_point, std::string* text);

}  // namespace nightjar::lang
