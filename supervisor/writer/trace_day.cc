#include "supervisor/writer/trace_day.h"

#include <cstdio>

namespace nightjar {
namespace {

// The bytes that ids of this millisecond begin with, and then all the same.
std::string IdBound(int64_t unix_ms, char rest) {
  auto inverted = ~static_cast<uint64_t>(unix_ms);
  std::string bytes(16, rest);
  for (int i = 0; i < 6; ++i)
    bytes[static_cast<size_t>(i)] = static_cast<char>(inverted >> (40 - 8 * i));
  return bytes;
}

}  // namespace

using std::chrono::days;
using std::chrono::floor;
using std::chrono::milliseconds;
using std::chrono::year_month_day;

Result<TraceDay> TraceDay::Of(const RunId& run) {
  auto day = floor<days>(std::chrono::sys_time<milliseconds>(milliseconds(run.unix_ms())));
  if (year_month_day(day).year() > std::chrono::year(9999))
    return Fail(ErrorCode::kInvalid, "a trace of an impossible day");
  return TraceDay(day);
}

TraceDay TraceDay::Of(WallTime time) {
  return TraceDay(floor<days>(time));
}

std::optional<TraceDay> TraceDay::Parse(std::string_view text, Form form) {
  bool dashes = form == Form::kDashes;
  if (text.size() != (dashes ? 10u : 8u)) return std::nullopt;
  int numbers[3] = {};  // year, month, day
  size_t at = 0;
  for (int i = 0; i < 3; ++i) {
    if (dashes && i > 0 && text[at++] != '-') return std::nullopt;
    for (int digits = i == 0 ? 4 : 2; digits > 0; --digits, ++at) {
      if (text[at] < '0' || text[at] > '9') return std::nullopt;
      numbers[i] = numbers[i] * 10 + (text[at] - '0');
    }
  }
  year_month_day date(std::chrono::year(numbers[0]),
                      std::chrono::month(static_cast<unsigned>(numbers[1])),
                      std::chrono::day(static_cast<unsigned>(numbers[2])));
  if (!date.ok()) return std::nullopt;
  return TraceDay(std::chrono::sys_days(date));
}

std::string TraceDay::Text(Form form) const {
  year_month_day date(day_);
  char text[32];
  snprintf(text, sizeof text, form == Form::kDashes ? "%04d-%02u-%02u" : "%04d%02u%02u",
           static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
           static_cast<unsigned>(date.day()));
  return text;
}

std::string For(TraceDay day, std::string sql) {
  constexpr std::string_view kPlace = "DAY";
  const std::string digits = day.Text(TraceDay::Form::kDigits);
  for (size_t at = 0; (at = sql.find(kPlace, at)) != sql.npos; at += digits.size())
    sql.replace(at, kPlace.size(), digits);
  return sql;
}

RunRange RangeOf(int64_t first_ms, int64_t last_ms) {
  const int64_t kLastMs = (int64_t{1} << 48) - 1;
  // Newer ids are smaller.
  return {IdBound(std::clamp<int64_t>(last_ms, 0, kLastMs), '\0'),
          IdBound(std::clamp<int64_t>(first_ms, 0, kLastMs), '\xff')};
}

RunRange RangeOf(TraceDay day) {
  return RangeOf(day.unix_ms(), day.unix_ms() + milliseconds(days(1)).count() - 1);
}

}  // namespace nightjar
