#include "worker/lang/base64.h"

#include <cstdint>

#include "worker/lang/repr.h"

namespace nightjar::lang {
namespace {

int ValueOf(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

}  // namespace

std::string UrlBase64(std::string_view bytes, Padding padding) {
  std::string text = Base64(bytes);
  while (padding == Padding::kNone && text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

std::optional<std::string> DecodeBase64(std::string_view text) {
  // Padding may lack; what is there must fit.
  size_t padded = text.size() + (text.size() % 4 == 2 ? 2 : text.size() % 4 == 3 ? 1 : 0);
  if (padded % 4 != 0) return std::nullopt;
  while (text.ends_with('=')) text.remove_suffix(1);
  if (padded - text.size() > 2) return std::nullopt;
  std::string bytes;
  uint32_t bits = 0;
  int have = 0;
  for (char c : text) {
    int value = ValueOf(c);
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    bytes += static_cast<char>(bits >> have & 0xff);
  }
  return bytes;
}

}  // namespace nightjar::lang
