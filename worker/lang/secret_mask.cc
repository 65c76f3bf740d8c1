#include "worker/lang/secret_mask.h"

#include <algorithm>

#include "ipc/core/bounds.h"

namespace nightjar::lang {

void SecretMask::Set(std::vector<std::string> secrets) {
  secrets_ = std::move(secrets);
  // The longest first, where one is a part of another.
  std::sort(secrets_.begin(), secrets_.end(),
            [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
}

std::string_view SecretMask::Masked(std::string_view text, std::string* room) {
  constexpr std::string_view kShown = "<secret>";
  // An event holds no more, so what lies behind it needs no search.
  std::string_view seen = text.substr(0, bounds::kTraceEventBytes);
  bool found = false;
  for (const std::string& secret : secrets_) {
    if (secret.empty() || seen.find(secret) == std::string_view::npos) continue;
    std::string masked;
    for (size_t from = 0;;) {
      size_t at = std::min(seen.find(secret, from), seen.size());
      masked.append(seen.substr(from, at - from));
      if (at == seen.size()) break;
      masked.append(kShown);
      from = at + secret.size();
    }
    *room = std::move(masked);
    seen = *room;
    found = true;
  }
  return found ? seen : text;
}

}  // namespace nightjar::lang
