#include "ipc/core/ids.h"

#include <sys/random.h>

#include <cstring>

#include "ipc/core/ascii.h"
#include "ipc/core/check.h"

namespace nightjar {
namespace {

constexpr uint64_t kTimeMask = (uint64_t{1} << 48) - 1;
constexpr size_t kTextLength = 36;
constexpr bool IsDash(size_t at) {
  return at == 8 || at == 13 || at == 18 || at == 23;
}

}  // namespace

RunId RunId::New(WallTime now) {
  RunId id;
  // Up to 256 bytes getrandom(2) neither blocks after boot nor is interrupted.
  CHECK(getrandom(id.bytes_.data(), id.bytes_.size(), 0) == static_cast<ssize_t>(id.bytes_.size()));
  uint64_t inverted = ~static_cast<uint64_t>(UnixMillis(now)) & kTimeMask;
  for (int i = 0; i < 6; ++i) id.bytes_[i] = static_cast<char>(inverted >> (8 * (5 - i)));
  return id;
}

std::optional<RunId> RunId::Parse(std::string_view text) {
  if (text.size() != kTextLength) return std::nullopt;
  RunId id;
  size_t digit = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    if (IsDash(at)) {
      if (text[at] != '-') return std::nullopt;
      continue;
    }
    int value = HexDigit(text[at]);
    if (value < 0) return std::nullopt;
    char& byte = id.bytes_[digit / 2];
    byte = static_cast<char>(digit % 2 == 0 ? value << 4 : (byte | value));
    ++digit;
  }
  return id;
}

std::optional<RunId> RunId::FromBytes(std::string_view bytes) {
  RunId id;
  if (bytes.size() != id.bytes_.size()) return std::nullopt;
  memcpy(id.bytes_.data(), bytes.data(), bytes.size());
  return id;
}

std::string RunId::ToString() const {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  text.reserve(kTextLength);
  for (char c : bytes_) {
    if (IsDash(text.size())) text += '-';
    text += kHex[(c >> 4) & 0xf];
    text += kHex[c & 0xf];
  }
  return text;
}

int64_t RunId::unix_ms() const {
  uint64_t inverted = 0;
  for (int i = 0; i < 6; ++i) inverted = inverted << 8 | static_cast<unsigned char>(bytes_[i]);
  return static_cast<int64_t>(~inverted & kTimeMask);
}

bool IsCanvasName(std::string_view name) {
  if (name.empty() || name.size() > 63 || name[0] == '-' || name[0] == '_') return false;
  for (char c : name) {
    bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!allowed) return false;
  }
  return true;
}

}  // namespace nightjar
