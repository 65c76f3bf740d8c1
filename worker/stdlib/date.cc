#include <chrono>
#include <cmath>
#include <cstdio>

#include "worker/lang/repr.h"
#include "worker/lang/date_parser.h"
#include "worker/stdlib/library.h"

namespace nightjar::lang {
namespace {

constexpr std::string_view kInvalid = "Invalid date format";
constexpr int64_t kMsPerDay = 86'400'000;
// Years from -9998 to 9999, as far as dates have ever gone.
constexpr int64_t kFirstSecond = -377'673'580'800;
constexpr int64_t kLastSecond = 253'402'300'799;

int64_t FloorDivide(int64_t value, int64_t by) {
  return value / by - (value % by < 0 ? 1 : 0);
}

// The fields of a date in UTC.
struct Fields {
  explicit Fields(const Dval& date) {
    int64_t day = FloorDivide(date.integer, kMsPerDay);
    int64_t ms = date.integer - day * kMsPerDay;
    calendar = std::chrono::year_month_day(std::chrono::sys_days(std::chrono::days(day)));
    // Monday is 1, Sunday 7; the epoch was a Thursday.
    weekday = (day % 7 + 10) % 7 + 1;
    hour = ms / 3'600'000;
    minute = ms / 60'000 % 60;
    second = ms / 1000 % 60;
  }
  int64_t year() const { return static_cast<int>(calendar.year()); }
  int64_t month() const { return static_cast<unsigned>(calendar.month()); }
  int64_t day() const { return static_cast<unsigned>(calendar.day()); }

  std::chrono::year_month_day calendar;
  int64_t weekday;
  int64_t hour;
  int64_t minute;
  int64_t second;
};

template <uint32_t kVersion>
Dval Parse(const Call& call) {
  auto ms = ParseDate(call[0].view());
  if (kVersion == 0) return ms ? Dval::Date(*ms) : call.Error(kInvalid);
  return ms ? MakeWrapped(call.arena, Tag::kOk, Dval::Date(*ms)) : call.ErrorResult(kInvalid);
}

Dval OfSeconds(const Call& call, int64_t seconds, int64_t ms) {
  if (seconds < kFirstSecond || seconds > kLastSecond) return call.Fault();
  return Dval::Date(seconds * 1000 + ms);
}

template <int kSign>
Dval Moved(const Call& call) {
  int64_t seconds = FloorDivide(call[0].integer, 1000);
  int64_t moved;
  if (call[1].integer == INT64_MIN ||
      __builtin_add_overflow(seconds, kSign * call[1].integer, &moved))
    return call.Fault();
  return OfSeconds(call, moved, call[0].integer - seconds * 1000);
}

Dval Difference(const Call& call) {
  // Halves go to the even neighbour.
  return Dval::Int(static_cast<int64_t>(
      std::nearbyint(static_cast<double>(call[0].integer - call[1].integer) / 1000)));
}

Dval Now(const Call&) {
  auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  return Dval::Date(now.time_since_epoch().count());
}

Dval StartOfDay(const Dval& date) {
  return Dval::Date(FloorDivide(date.integer, kMsPerDay) * kMsPerDay);
}

std::string BasicDate(const Fields& fields) {
  char text[32];
  snprintf(text, sizeof text, "%04d%02d%02d", static_cast<int>(fields.year()),
           static_cast<int>(fields.month()), static_cast<int>(fields.day()));
  return text;
}

std::string BasicTime(const Fields& fields) {
  char text[32];
  snprintf(text, sizeof text, "T%02d%02d%02dZ", static_cast<int>(fields.hour),
           static_cast<int>(fields.minute), static_cast<int>(fields.second));
  return text;
}

// The first versions counted back from the epoch before it, each in its own way. Programs that were
// written then have got used to it.
Dval FirstHour(const Call& call) {
  return Dval::Int(
      static_cast<int64_t>(std::fmod(static_cast<double>(call[0].integer) / 3'600'000, 60)));
}
Dval SecondHour(const Call& call) {
  Fields fields(call[0]);
  return Dval::Int(fields.year() < 1970 ? fields.hour - 23 : fields.hour);
}
Dval FirstMinute(const Call& call) {
  Fields fields(call[0]);
  if (fields.year() >= 1970) return Dval::Int(fields.minute);
  return Dval::Int(fields.second == 0 ? (fields.minute - 60) % 60 : fields.minute - 59);
}
Dval FirstSecond(const Call& call) {
  Fields fields(call[0]);
  return Dval::Int(fields.year() < 1970 ? (fields.second - 60) % 60 : fields.second);
}

// It took seconds for milliseconds, which is why it is deprecated, and nobody may count on anything
// else.
Dval HumanReadable(const Call& call) {
  struct Unit {
    double ms;
    const char* one;
    const char* many;
    const char* after;
  };
  constexpr double kMinute = 60'000;
  constexpr double kDay = 24 * 60 * kMinute;
  constexpr Unit kUnits[] = {{365 * kDay, " year", " years", ", "},
                             {30 * kDay, " month", " months", ", "},
                             {kDay, " day", " days", ", "},
                             {60 * kMinute, " hour", " hours", ", "},
                             {kMinute, " minute", " minutes", ""}};
  auto left = static_cast<double>(FloorDivide(call[0].integer, 1000));
  std::string text;
  for (const Unit& unit : kUnits) {
    double count = left / unit.ms;
    if (!(count > 1)) continue;
    text += std::to_string(static_cast<int64_t>(count)) + (count > 2 ? unit.many : unit.one) +
            unit.after;
    left = std::fmod(left, unit.ms);
  }
  return call.String(text.empty() ? "less than a minute" : text);
}

template <typename Is>
void AddComparison(Module& m, std::string_view name, std::string_view op, Is) {
  m.Add(name, 0, {{"d1", kDate}, {"d2", kDate}}, kBool,
        [](const Call& call) { return Dval::Bool(Is()(call[0].integer, call[1].integer)); });
  m.Add(op, 0, {{"d1", kDate}, {"d2", kDate}}, kBool,
        [](const Call& call) { return Dval::Bool(Is()(call[0].integer, call[1].integer)); });
}

void AddFields(Module& m) {
  auto field = [&](std::string_view name, uint32_t version, Implementation run) {
    return m.Add(name, version, {{"date", kDate}}, kInt, run);
  };
  field("year", 0, [](const Call& call) { return Dval::Int(Fields(call[0]).year()); });
  field("month", 0, [](const Call& call) { return Dval::Int(Fields(call[0]).month()); });
  field("day", 0, [](const Call& call) { return Dval::Int(Fields(call[0]).day()); });
  field("weekday", 0, [](const Call& call) { return Dval::Int(Fields(call[0]).weekday); });
  field("hour", 0, FirstHour).Deprecated("Date.hour_v1");
  field("hour", 1, SecondHour).Deprecated("Date.hour_v2");
  field("hour", 2, [](const Call& call) { return Dval::Int(Fields(call[0]).hour); });
  field("minute", 0, FirstMinute).Deprecated("Date.minute_v1");
  field("minute", 1, [](const Call& call) { return Dval::Int(Fields(call[0]).minute); });
  field("second", 0, FirstSecond).Deprecated("Date.second_v1");
  field("second", 1, [](const Call& call) { return Dval::Int(Fields(call[0]).second); });
}

}  // namespace

void AddDate(Tables& tables) {
  Module m(tables, "Date");
  m.Add("parse", 0, {{"s", kStr}}, kDate, Parse<0>).Deprecated("Date.parse_v1");
  m.Add("parse", 1, {{"s", kStr}}, kResult, Parse<1>).Deprecated("Date.parse_v2");
  m.Add("parse", 2, {{"s", kStr}}, kResult, Parse<1>);
  m.Add("toString", 0, {{"date", kDate}}, kStr,
        [](const Call& call) { return call.String(IsoDate(call[0].integer)); });
  m.Add("toStringISO8601BasicDateTime", 0, {{"date", kDate}}, kStr, [](const Call& call) {
    return call.String(BasicDate(Fields(call[0])) + BasicTime(Fields(call[0])));
  });
  m.Add("toStringISO8601BasicDate", 0, {{"date", kDate}}, kStr,
        [](const Call& call) { return call.String(BasicDate(Fields(call[0]))); });
  m.Add("toHumanReadable", 0, {{"date", kDate}}, kStr, HumanReadable)
      .Deprecated("it does not work");
  m.Add("now", 0, {}, kDate, Now).Impure();
  m.Add("today", 0, {}, kDate, [](const Call& call) { return StartOfDay(Now(call)); }).Impure();
  m.Add("atStartOfDay", 0, {{"date", kDate}}, kDate,
        [](const Call& call) { return StartOfDay(call[0]); });
  m.Add("toSeconds", 0, {{"date", kDate}}, kInt,
        [](const Call& call) { return Dval::Int(FloorDivide(call[0].integer, 1000)); });
  m.Add("fromSeconds", 0, {{"seconds", kInt}}, kDate,
        [](const Call& call) { return OfSeconds(call, call[0].integer, 0); });
  m.Add("add", 0, {{"d", kDate}, {"seconds", kInt}}, kDate, Moved<1>);
  m.Add("sub", 0, {{"d", kDate}, {"seconds", kInt}}, kDate, Moved<-1>)
      .Deprecated("Date.subtract_v0");
  m.Add("subtract", 0, {{"d", kDate}, {"seconds", kInt}}, kDate, Moved<-1>)
      .Deprecated("Date.subtractSeconds_v0");
  m.Add("subtractSeconds", 0, {{"d", kDate}, {"seconds", kInt}}, kDate, Moved<-1>);
  m.Add("subtract", 1, {{"end", kDate}, {"start", kDate}}, kInt, Difference);
  AddComparison(m, "greaterThan", ">", std::greater<int64_t>());
  AddComparison(m, "greaterThanOrEqualTo", ">=", std::greater_equal<int64_t>());
  AddComparison(m, "lessThan", "<", std::less<int64_t>());
  AddComparison(m, "lessThanOrEqualTo", "<=", std::less_equal<int64_t>());
  AddFields(m);
}

}  // namespace nightjar::lang
