#include "supervisor/control/moment.h"

#include <charconv>

#include "ipc/core/time_span.h"

namespace nightjar {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Takes `digits` digits and, where one is given, the sign in front of them.
bool TakeNumber(std::string_view& text, char sign, size_t digits, unsigned& number) {
  if (sign != 0) {
    if (text.empty() || text.front() != sign) return false;
    text.remove_prefix(1);
  }
  if (text.size() < digits) return false;
  auto [end, failed] = std::from_chars(text.data(), text.data() + digits, number);
  if (failed != std::errc() || end != text.data() + digits) return false;
  text.remove_prefix(digits);
  return true;
}

}  // namespace

std::optional<WallTime> ParseMoment(std::string_view text, WallTime now) {
  if (auto ago = ReadTimeSpan(text)) return now - *ago;
  unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!TakeNumber(text, 0, 4, year) || !TakeNumber(text, '-', 2, month) ||
      !TakeNumber(text, '-', 2, day))
    return std::nullopt;
  bool has_time = !text.empty();
  if (has_time && (!TakeNumber(text, 'T', 2, hour) || !TakeNumber(text, ':', 2, minute)))
    return std::nullopt;
  if (has_time && text.starts_with(':') && !TakeNumber(text, ':', 2, second)) return std::nullopt;
  if (has_time && text == "Z") text.remove_prefix(1);
  std::chrono::year_month_day date(std::chrono::year(static_cast<int>(year)),
                                   std::chrono::month(month), std::chrono::day(day));
  // What nanoseconds in 64 bits hold.
  if (!text.empty() || !date.ok() || year < 1970 || year > 2200 || hour > 23 || minute > 59 ||
      second > 59)
    return std::nullopt;
  return WallTime(std::chrono::sys_days(date)) + hours(hour) + minutes(minute) + seconds(second);
}

std::string NotAMoment(const std::string& name, const std::string& text) {
  return name +
         " is a time (UTC) like 2026-11-24, 2026-11-24T17:27 or 2026-11-24T17:27:25Z, or how long "
         "ago, like 90s, 15m, 2h or 3d; not " +
         text;
}

}  // namespace nightjar
