#include "supervisor/control/byte_range.h"

#include <charconv>

namespace nightjar {
namespace {

std::optional<uint64_t> Number(std::string_view text) {
  uint64_t number = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<ByteRange> ParseByteRange(std::string_view header) {
  constexpr std::string_view kUnit = "bytes=";
  if (!header.starts_with(kUnit)) return std::nullopt;
  header.remove_prefix(kUnit.size());
  size_t dash = header.find('-');
  if (dash == header.npos) return std::nullopt;
  std::string_view from = header.substr(0, dash), to = header.substr(dash + 1);
  auto last = Number(to);
  if (from.empty()) {
    if (!last || *last == 0) return std::nullopt;
    return ByteRange{0, 0, *last};
  }
  auto first = Number(from);
  if (!first) return std::nullopt;
  if (to.empty()) return ByteRange{*first, 0, 0};
  if (!last || *last < *first || *last == UINT64_MAX) return std::nullopt;
  return ByteRange{*first, *last - *first + 1, 0};
}

}  // namespace nightjar
