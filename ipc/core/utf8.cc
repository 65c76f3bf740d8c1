#include "ipc/core/utf8.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace nightjar {
namespace {

// The size of the character at the front of `text` by table 3-7 of the Unicode standard; 0 if it is
// not one or is cut.
size_t CharacterSize(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  uint8_t lead = byte(0);
  size_t size = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (lead > 0xF4 || size > text.size()) return 0;
  if (size < 2) return size;
  // The second byte rules out overlong forms, surrogates and what lies beyond U+10FFFF.
  uint8_t least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < least || byte(1) > most) return 0;
  for (size_t i = 2; i < size; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  return size;
}

}  // namespace

size_t Utf8PrefixSize(std::string_view text, size_t bytes_max) {
  text = text.substr(0, std::min(text.size(), bytes_max));
  size_t at = 0;
  while (at < text.size()) {
    // Eight ASCII characters a step: nearly all text that comes here is only that.
    uint64_t word;
    if (at + sizeof word <= text.size()) {
      std::memcpy(&word, text.data() + at, sizeof word);
      if ((word & 0x8080808080808080) == 0) {
        at += sizeof word;
        continue;
      }
    }
    size_t size = CharacterSize(text.substr(at));
    if (size == 0) break;
    at += size;
  }
  return at;
}

}  // namespace nightjar
