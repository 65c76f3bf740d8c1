#include "ipc/core/time_span.h"

#include <charconv>
#include <cstdint>

namespace nightjar {
namespace {

constexpr std::chrono::days kMost{100'000};  // in nanoseconds it does not overflow

std::optional<std::chrono::seconds> UnitOf(std::string_view text) {
  if (text == "s") return std::chrono::seconds(1);
  if (text == "m") return std::chrono::minutes(1);
  if (text == "h") return std::chrono::hours(1);
  if (text == "d") return std::chrono::days(1);
  return std::nullopt;
}

}  // namespace

std::optional<std::chrono::seconds> ReadTimeSpan(std::string_view text) {
  const char* end = text.data() + text.size();
  uint32_t count = 0;
  auto [after, failed] = std::from_chars(text.data(), end, count);
  if (failed != std::errc()) return std::nullopt;
  auto unit = UnitOf({after, end});
  if (!unit || *unit * int64_t{count} > kMost) return std::nullopt;
  return *unit * int64_t{count};
}

}  // namespace nightjar
