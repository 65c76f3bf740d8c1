// Percent-encoding of URLs, read. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "ipc/core/ascii.h"

namespace nightjar {

// In a query and in a form, a plus sign stands for a blank.
enum class Plus { kKept, kSpace };

// What is no escape stays as it stands.
inline std::string PercentDecoded(std::string_view text, Plus plus) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    int high = text[i] == '%' && i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    int low = high >= 0 ? HexDigit(text[i + 2]) : -1;
    if (low >= 0) {
      decoded += static_cast<char>(high << 4 | low);
      i += 2;
    } else {
      decoded += text[i] == '+' && plus == Plus::kSpace ? ' ' : text[i];
    }
  }
  return decoded;
}

// Calls visit(part) for what lies between separators.
template <typename F>
void EachPart(std::string_view text, char separator, const F& visit) {
  for (;;) {
    size_t end = text.find(separator);
    visit(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace nightjar
