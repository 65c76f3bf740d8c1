#include "supervisor/cli/printable.h"

#include <cstdint>
#include <cstdio>

namespace nightjar::cli {
namespace {

struct Character {
  uint32_t code = 0;
  size_t bytes = 0;  // 0: the bytes are not UTF-8
};

Character FirstOf(std::string_view text) {
  auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
  unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {};
  uint32_t code = lead & (0x7fu >> bytes);
  for (size_t at = 1; at < bytes; ++at) {
    if ((byte(at) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(at) & 0x3fu);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kLeast[bytes] || code > 0x10ffff || surrogate) return {};
  return {code, bytes};
}

bool IsHarmful(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x061c ||
         (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2060 && code <= 0x206f) || code == 0xfeff;
}

std::string Escape(uint32_t code) {
  switch (code) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      break;
  }
  char text[16];
  snprintf(text, sizeof text, code < 0x80 ? "\\x%02x" : "\\u{%x}", code);
  return text;
}

enum class Layout { kEscape, kKeep };

std::string Clean(std::string_view text, Layout layout) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    Character next = FirstOf(text);
    size_t bytes = next.bytes == 0 ? 1 : next.bytes;
    bool kept = layout == Layout::kKeep && (next.code == '\n' || next.code == '\t');
    if (next.bytes == 0) {
      char escaped[8];
      snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned char>(text[0]));
      clean += escaped;
    } else if (IsHarmful(next.code) && !kept) {
      clean += Escape(next.code);
    } else {
      clean += text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
  }
  return clean;
}

}  // namespace

std::string Printable(std::string_view text) {
  return Clean(text, Layout::kEscape);
}

std::string PrintableText(std::string_view text) {
  return Clean(text, Layout::kKeep);
}

size_t ColumnsOf(std::string_view text) {
  size_t columns = 0;
  for (char c : text)
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) ++columns;
  return columns;
}

std::string CutTo(std::string_view text, size_t columns) {
  constexpr std::string_view kDots = "...";
  if (ColumnsOf(text) <= columns) return std::string(text);
  size_t keep = columns > kDots.size() ? columns - kDots.size() : 0;
  size_t at = 0;
  for (size_t seen = 0; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) continue;
    if (seen++ == keep) break;
  }
  return std::string(text.substr(0, at)) + std::string(kDots.substr(0, columns));
}

}  // namespace nightjar::cli
