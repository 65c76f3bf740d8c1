// Checking the ASCII that HTTP is made of. Pure; any thread.
#pragma once

#include <algorithm>
#include <string_view>

#include "ipc/core/ascii.h"

namespace nightjar::http {

inline bool StartsWithNoCase(std::string_view text, std::string_view start) {
  return EqualsNoCase(text.substr(0, start.size()), start);
}

// RFC 9110 5.6.2: what a method or a header's name is made of.
inline bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (ToLowerAscii(c) >= 'a' && ToLowerAscii(c) <= 'z') ||
           (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
  });
}

// No byte that could end a header's line or be mistaken for its end.
inline bool IsHeaderValue(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](unsigned char c) { return (c < ' ' && c != '\t') || c == 0x7f; });
}

}  // namespace nightjar::http
