#include "worker/stdlib/uuid.h"

#include <sys/random.h>

#include "ipc/core/ascii.h"
#include "ipc/core/check.h"
#include "worker/stdlib/library.h"

namespace nightjar::lang {
namespace {

// RFC 4122, version 4: random but for six bits.
Dval Generate(const Call& call) {
  char bytes[16];
  CHECK(getrandom(bytes, sizeof bytes, 0) == static_cast<ssize_t>(sizeof bytes));
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  return MakeTextual(call.arena, Tag::kUuid, {bytes, sizeof bytes});
}

}  // namespace

std::string ParseUuid(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  bool braces = text.starts_with('{') && text.ends_with('}');
  bool parentheses = text.starts_with('(') && text.ends_with(')');
  if (braces || parentheses) text = text.substr(1, text.size() - 2);
  bool hyphens = text.size() == 36;
  if (!hyphens && (text.size() != 32 || braces || parentheses)) return "";
  std::string bytes;
  int nibbles = 0;
  int byte = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (hyphens && (i == 8 || i == 13 || i == 18 || i == 23)) {
      if (text[i] != '-') return "";
      continue;
    }
    int value = HexDigit(text[i]);
    if (value < 0) return "";
    byte = byte << 4 | value;
    if (++nibbles % 2 == 0) bytes += static_cast<char>(byte & 0xff);
  }
  return bytes;
}

Dval UuidResult(const Call& call) {
  std::string bytes = ParseUuid(call[0].view());
  if (bytes.empty()) return call.ErrorResult(kUuidForm);
  return MakeWrapped(call.arena, Tag::kOk, MakeTextual(call.arena, Tag::kUuid, bytes));
}

void AddUuid(Tables& tables) {
  Module m(tables, "Uuid");
  m.Add("generate", 0, {}, kUuid, Generate).Impure();
  m.Add("parse", 0, {{"uuid", kStr}}, kResult, UuidResult);
}

}  // namespace nightjar::lang
