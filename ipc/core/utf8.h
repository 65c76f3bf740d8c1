// Cuts text to a size without cutting a character, and to the part of it that is UTF-8 at all.
//
// For whoever puts text of unknown origin or size into a protobuf string, whose readers refuse
// bytes that are not UTF-8. It repairs nothing: what follows the first bad byte is left out. Any
// thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nightjar {

// The size of the longest beginning of `text` that is whole UTF-8 characters and at most
// `bytes_max` long.
size_t Utf8PrefixSize(std::string_view text, size_t bytes_max);

inline std::string_view Utf8Prefix(std::string_view text, size_t bytes_max) {
  return text.substr(0, Utf8PrefixSize(text, bytes_max));
}

inline void CutToUtf8(std::string* text, size_t bytes_max) {
  text->resize(Utf8PrefixSize(*text, bytes_max));
}

}  // namespace nightjar
