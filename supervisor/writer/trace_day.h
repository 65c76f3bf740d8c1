// The day (UTC) of a run: traces are filed, and expire, by it.
//
// It follows from the run's id, which carries its time, so that a trace is found without asking in
// which day it lies. Plain value.
#pragma once

#include <chrono>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/core/clock.h"
#include "ipc/core/ids.h"
#include "ipc/core/result.h"

namespace nightjar {

class TraceDay {
 public:
  TraceDay() = default;  // 1970-01-01
  // kInvalid: a time that is in no year of four digits.
  static Result<TraceDay> Of(const RunId& run);
  static TraceDay Of(WallTime time);
  // "2026-11-24", and "20261124" with kDigits, as Text() prints them.
  enum class Form { kDashes, kDigits };
  static std::optional<TraceDay> Parse(std::string_view text, Form form = Form::kDashes);

  std::string Text(Form form = Form::kDashes) const;
  TraceDay Before(std::chrono::days days) const { return TraceDay(day_ - days); }
  // Of its first instant, in milliseconds since 1970.
  int64_t unix_ms() const { return std::chrono::milliseconds(day_.time_since_epoch()).count(); }
  auto operator<=>(const TraceDay&) const = default;

 private:
  explicit TraceDay(std::chrono::sys_days day) : day_(day) {}
  std::chrono::sys_days day_{};
};

// The statement for a day's own tables, whose names have its digits where `sql` says DAY.
std::string For(TraceDay day, std::string sql);

// Ids of runs, first and last of them included.
struct RunRange {
  std::string first, last;  // 16 bytes each
};
// Of a time in milliseconds since 1970, the first and the last included.
RunRange RangeOf(int64_t first_ms, int64_t last_ms);
RunRange RangeOf(TraceDay day);

}  // namespace nightjar
