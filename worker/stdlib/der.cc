#include "worker/stdlib/der.h"

namespace nightjar::lang {

std::optional<DerElement> DerReader::Next() {
  auto byte = [&](size_t at) { return static_cast<uint8_t>(rest_[at]); };
  if (rest_.size() < 2 || (byte(0) & 0x1f) == 0x1f) return std::nullopt;  // no tags of many bytes
  size_t head = 2;
  size_t length = byte(1);
  if (length >= 0x80) {
    size_t digits = length & 0x7f;
    if (digits == 0 || digits > 4 || rest_.size() < 2 + digits) return std::nullopt;
    length = 0;
    for (size_t i = 0; i < digits; ++i) length = length << 8 | byte(2 + i);
    if (length < 0x80) return std::nullopt;  // it had to be written the short way
    head += digits;
  }
  if (rest_.size() - head < length) return std::nullopt;
  DerElement element{byte(0), rest_.substr(head, length), rest_.substr(0, head + length)};
  rest_.remove_prefix(head + length);
  return element;
}

std::optional<std::string_view> DerReader::Next(uint8_t tag) {
  auto element = Next();
  if (!element || element->tag != tag) return std::nullopt;
  return element->content;
}

}  // namespace nightjar::lang
