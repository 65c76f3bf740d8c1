// A string as JSON has it, in the escapes of the formats that classic Dark's libraries wrote: short
// ones where there are any, else \u and four small digits. Pure.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace nightjar::lang {

// `escapes_delete`: U+007F, which JSON would let stand, is escaped as well.
inline void AppendJsonString(std::string& out, std::string_view text, bool escapes_delete) {
  constexpr std::string_view kFrom = "\"\\\b\f\n\r\t";
  constexpr std::string_view kTo = "\"\\bfnrt";
  out += '"';
  for (char c : text) {
    size_t at = kFrom.find(c);
    auto byte = static_cast<unsigned char>(c);
    if (at != std::string_view::npos) {
      out += '\\';
      out += kTo[at];
    } else if (byte < 0x20 || (byte == 0x7f && escapes_delete)) {
      char escape[8];
      snprintf(escape, sizeof escape, "\\u%04x", byte);
      out += escape;
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace nightjar::lang
