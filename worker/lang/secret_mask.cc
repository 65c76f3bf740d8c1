#include "worker/lang/secret_mask.h"

#include <algorithm>

#include "ipc/core/bounds.h"

namespace nightjar::lang {

namespace {

// What may stand for a secret; the first that holds none itself does.
constexpr std::string_view kMasks[] = {"<secret>", "***", "[...]"};

std::string_view MaskFor(const std::vector<std::string>& secrets) {
  for (std::string_view mask : kMasks) {
    bool shows = std::any_of(secrets.begin(), secrets.end(), [&](const std::string& secret) {
      return !secret.empty() && mask.find(secret) != std::string_view::npos;
    });
    if (!shows) return mask;
  }
  return "";
}

}  // namespace

void SecretMask::Set(std::vector<std::string> secrets) {
  mask_ = MaskFor(secrets);
  secrets_ = std::move(secrets);
  // The longest first, where one is a part of another.
  std::sort(secrets_.begin(), secrets_.end(),
            [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
}

size_t SecretMask::EndAcross(std::string_view text, size_t at) {
  for (bool moved = true; moved;) {
    moved = false;
    for (const std::string& secret : secrets_) {
      if (secret.size() < 2 || at == 0) continue;  // nothing lies across
      size_t from = at - std::min(at, secret.size() - 1);
      size_t found = text.substr(0, at + secret.size() - 1).find(secret, from);
      if (found == std::string_view::npos) continue;
      at = found + secret.size();
      moved = true;
    }
  }
  return at;
}

std::string_view SecretMask::Masked(std::string_view text, std::string* room) {
  // An event holds no more, so what begins behind it needs no search.
  std::string_view seen = text.substr(0, bounds::kTraceEventBytes + longest());
  bool found = false;
  for (const std::string& secret : secrets_) {
    if (secret.empty() || seen.find(secret) == std::string_view::npos) continue;
    std::string masked;
    for (size_t from = 0;;) {
      size_t at = std::min(seen.find(secret, from), seen.size());
      masked.append(seen.substr(from, at - from));
      if (at == seen.size()) break;
      masked.append(mask_);
      from = at + secret.size();
    }
    *room = std::move(masked);
    seen = *room;
    found = true;
  }
  return found ? seen : text;
}

}  // namespace nightjar::lang
