#include "ipc/redact/rules.h"

#include <nettle/base16.h>
#include <nettle/hmac.h>

#include <algorithm>

#include "ipc/core/ascii.h"

namespace nightjar {
namespace {

constexpr size_t kShownDigestBytes = 8;

std::string HmacSha256(std::string_view key, std::string_view text, size_t bytes) {
  hmac_sha256_ctx state;
  hmac_sha256_set_key(&state, key.size(), reinterpret_cast<const uint8_t*>(key.data()));
  hmac_sha256_update(&state, text.size(), reinterpret_cast<const uint8_t*>(text.data()));
  std::string digest(bytes, '\0');
  hmac_sha256_digest(&state, bytes, reinterpret_cast<uint8_t*>(digest.data()));
  return digest;
}

bool Skipped(char c) {
  return c == '-' || c == '_';
}

std::string Folded(std::string_view name) {
  std::string folded = ToLowerAscii(name);
  std::erase_if(folded, Skipped);
  return folded;
}

// Without making a folded copy of what comes from outside.
bool Matches(std::string_view name, std::string_view folded) {
  size_t at = 0;
  for (char c : name) {
    if (Skipped(c)) continue;
    if (at == folded.size() || ToLowerAscii(c) != folded[at]) return false;
    ++at;
  }
  return at == folded.size();
}

// A name with dots may as well be the name of one field, or of a parameter.
bool MatchesJoined(std::string_view name, std::span<const std::string> parts) {
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    size_t dot = name.find('.');
    if (dot == std::string_view::npos || !Matches(name.substr(0, dot), parts[i])) return false;
    name.remove_prefix(dot + 1);
  }
  return Matches(name, parts.back());
}

}  // namespace

RedactionRules::RedactionRules(const proto::Redaction& wish) : key_(wish.key()) {
  for (const std::string& name : wish.hash()) Add(name, key_.empty() ? Kind::kDrop : Kind::kHash);
  for (const std::string& name : wish.drop()) Add(name, Kind::kDrop);
}

void RedactionRules::Add(std::string_view name, Kind kind) {
  if (name == kDefaultNames) {
    for (std::string_view usual : kUsualNames) Add(usual, kind);
    return;
  }
  Name& added = names_.emplace_back();
  added.kind = kind;
  for (;;) {
    size_t dot = name.find('.');
    added.parts.push_back(Folded(name.substr(0, dot)));
    if (dot == std::string_view::npos) return;
    name.remove_prefix(dot + 1);
  }
}

RedactionRules::Kind RedactionRules::For(std::span<const std::string> path) const {
  if (path.empty()) return Kind::kKeep;
  for (const Name& name : names_) {
    if (MatchesJoined(path.back(), name.parts)) return name.kind;
    if (name.parts.size() < 2 || path.size() < name.parts.size()) continue;
    auto end = path.last(name.parts.size());
    if (std::equal(end.begin(), end.end(), name.parts.begin(), Matches)) return name.kind;
  }
  return Kind::kKeep;
}

RedactionRules::Kind RedactionRules::For(std::string_view name) const {
  for (const Name& known : names_)
    if (MatchesJoined(name, known.parts)) return known.kind;
  return Kind::kKeep;
}

std::string RedactionRules::Shown(Kind kind, std::string_view value) const {
  if (kind == Kind::kKeep) return std::string(value);
  if (kind == Kind::kDrop) return "<redacted>";
  std::string digest = HmacSha256(key_, value, kShownDigestBytes);
  std::string digits(BASE16_ENCODE_LENGTH(kShownDigestBytes), '\0');
  base16_encode_update(digits.data(), digest.size(),
                       reinterpret_cast<const uint8_t*>(digest.data()));
  return "<sha256:" + digits + ">";
}

std::string CanvasRedactionKey(std::string_view host_key, std::string_view canvas) {
  if (host_key.empty()) return "";
  return HmacSha256(host_key, canvas, SHA256_DIGEST_SIZE);
}

}  // namespace nightjar
