#include "supervisor/control/url.h"

#include "ipc/core/ascii.h"
#include "ipc/core/utf8.h"

namespace nightjar {
namespace {

std::optional<std::string> Decode(std::string_view text) {
  std::string decoded;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      decoded += text[at];
      continue;
    }
    if (at + 2 >= text.size()) return std::nullopt;
    int high = HexDigit(text[at + 1]);
    int low = HexDigit(text[at + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high << 4 | low);
    at += 2;
  }
  // It travels on in messages whose text is UTF-8, or breaks the channel that it travels on.
  if (Utf8PrefixSize(decoded, decoded.size()) != decoded.size()) return std::nullopt;
  return decoded;
}

// Calls `part` for each piece between separators, empty ones left out.
template <typename F>
bool ForEachPart(std::string_view text, char separator, F&& part) {
  while (!text.empty()) {
    size_t end = text.find(separator);
    std::string_view piece = text.substr(0, end);
    if (!piece.empty() && !part(piece)) return false;
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return true;
}

}  // namespace

std::optional<ControlUrl> ParseControlUrl(std::string_view target) {
  if (target.empty() || target[0] != '/') return std::nullopt;
  ControlUrl url;
  size_t question = target.find('?');
  bool good = ForEachPart(target.substr(0, question), '/', [&](std::string_view piece) {
    auto decoded = Decode(piece);
    if (decoded) url.path.push_back(std::move(*decoded));
    return decoded.has_value();
  });
  if (!good) return std::nullopt;
  if (question == std::string_view::npos) return url;
  good = ForEachPart(target.substr(question + 1), '&', [&](std::string_view piece) {
    size_t equals = piece.find('=');
    auto key = Decode(piece.substr(0, equals));
    auto value = Decode(equals == std::string_view::npos ? "" : piece.substr(equals + 1));
    if (!key || !value) return false;
    url.query[*key] = std::move(*value);
    return true;
  });
  if (!good) return std::nullopt;
  return url;
}

}  // namespace nightjar
