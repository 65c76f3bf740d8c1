#include "ipc/redact/rules.h"

#include <nettle/base16.h>
#include <nettle/hmac.h>

#include <algorithm>

#include "ipc/core/ascii.h"
#include "ipc/core/percent.h"

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

bool SameName(std::string_view a, std::string_view b) {
  size_t at = 0;
  for (char c : a) {
    if (Skipped(c)) continue;
    while (at < b.size() && Skipped(b[at])) ++at;
    if (at == b.size() || ToLowerAscii(c) != ToLowerAscii(b[at])) return false;
    ++at;
  }
  return std::all_of(b.begin() + static_cast<ptrdiff_t>(at), b.end(), Skipped);
}

// A name with dots may as well be the name of one field, or of a parameter.
bool SameJoined(std::string_view name, std::span<const std::string> parts) {
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    size_t dot = name.find('.');
    if (dot == std::string_view::npos || !SameName(name.substr(0, dot), parts[i])) return false;
    name.remove_prefix(dot + 1);
  }
  return SameName(name, parts.back());
}

// "user[card][number]", as forms have it, is a path.
void AppendNames(std::string_view parameter, std::vector<std::string>* names) {
  while (!parameter.empty()) {
    size_t end = std::min(parameter.find_first_of("[]"), parameter.size());
    if (end > 0) names->emplace_back(parameter.substr(0, end));
    parameter.remove_prefix(std::min(end + 1, parameter.size()));
  }
}

bool IsUsual(std::string_view name) {
  return std::any_of(std::begin(kUsualNames), std::end(kUsualNames),
                     [&](std::string_view usual) { return SameName(name, usual); });
}

}  // namespace

RedactionRules::RedactionRules(const proto::Redaction& wish) : key_(wish.key()) {
  for (const std::string& name : wish.hash()) Add(name, key_.empty() ? Kind::kDrop : Kind::kHash);
  for (const std::string& name : wish.drop()) Add(name, Kind::kDrop);
}

void RedactionRules::Add(std::string_view name, Kind kind) {
  if (name == kDefaultNames) {
    if (usual_ != Kind::kHash) usual_ = kind;
    return;
  }
  Name& added = names_.emplace_back();
  added.kind = kind;
  EachPart(name, '.', [&](std::string_view part) { added.parts.emplace_back(part); });
}

RedactionRules::Kind RedactionRules::For(std::span<const std::string> path) const {
  if (path.empty() || empty()) return Kind::kKeep;
  if (path.back().find('[') != std::string::npos) {
    std::vector<std::string> longer(path.begin(), path.end() - 1);
    AppendNames(path.back(), &longer);
    return For(longer);
  }
  Kind kind = usual_ != Kind::kKeep && IsUsual(path.back()) ? usual_ : Kind::kKeep;
  for (const Name& name : names_) {
    if (kind == Kind::kHash) break;
    bool same = SameJoined(path.back(), name.parts);
    if (!same && name.parts.size() > 1 && path.size() >= name.parts.size()) {
      auto end = path.last(name.parts.size());
      same = std::equal(end.begin(), end.end(), name.parts.begin(), SameName);
    }
    if (same) kind = name.kind;
  }
  return kind;
}

RedactionRules::Kind RedactionRules::For(std::string_view name) const {
  const std::string path[] = {std::string(name)};
  return For(path);
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
