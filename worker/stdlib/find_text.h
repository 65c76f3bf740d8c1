// Where one text is in another, in time of the sum of their sizes whatever they hold:
// string_view::find takes their product for a text that almost matches everywhere. Pure.
#pragma once

#include <string.h>

#include <string_view>

namespace nightjar::lang {

// The first place from `from` on, or npos. Normal text is equal where its bytes are.
inline size_t FindText(std::string_view text, std::string_view wanted, size_t from = 0) {
  if (from > text.size()) return std::string_view::npos;
  const void* found = memmem(text.data() + from, text.size() - from, wanted.data(), wanted.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

}  // namespace nightjar::lang
