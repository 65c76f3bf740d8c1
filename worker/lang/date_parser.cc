#include "worker/lang/date_parser.h"

#include <chrono>

namespace nightjar::lang {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  std::optional<int64_t> Run() {
    if (!Day() || !Time()) return std::nullopt;
    int64_t offset = Offset();
    if (failed_ || !rest_.empty()) return std::nullopt;
    int64_t seconds = (days_ * 24 + hour_) * 3600 + minute_ * 60 + second_ - offset;
    int64_t ms = seconds * 1000 + milliseconds_;
    // Years 1 to 9999: what came before or after has never been a date here.
    constexpr int64_t kFirst = -62'135'596'800'000;
    constexpr int64_t kLast = 253'402'300'799'999;
    if (ms < kFirst || ms > kLast) return std::nullopt;
    return ms;
  }

 private:
  bool Is(char c) const { return !rest_.empty() && rest_.front() == c; }
  bool IsDigit() const { return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; }
  bool Take(char c) {
    if (!Is(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // Exactly so many digits.
  int Digits(int count) {
    int value = 0;
    for (int i = 0; i < count; ++i) {
      if (!IsDigit()) {
        failed_ = true;
        return 0;
      }
      value = value * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return value;
  }

  bool Day() {
    int year = Digits(4);
    char separator = Is('-') ? '-' : Is(' ') ? ' ' : '\0';
    if (separator != '\0') Take(separator);
    int month = Digits(2);
    if (separator != '\0' && !Take(separator)) return false;
    int day = Digits(2);
    std::chrono::year_month_day date{std::chrono::year(year),
                                     std::chrono::month(static_cast<unsigned>(month)),
                                     std::chrono::day(static_cast<unsigned>(day))};
    if (failed_ || year == 0 || !date.ok()) return false;
    days_ = std::chrono::sys_days(date).time_since_epoch().count();
    if (!Take('T')) Take(' ');
    return true;
  }

  bool Time() {
    hour_ = Digits(2);
    bool colons = Take(':');
    minute_ = Digits(2);
    if (failed_) return false;
    // Without colons two more digits are seconds.
    bool seconds = colons ? Take(':') : IsDigit();
    if (seconds) {
      second_ = Digits(2);
      if (Take('.')) Fraction();
    }
    bool half_days = Meridian();
    return !failed_ && minute_ < 60 && second_ < 60 && (half_days || hour_ < 24);
  }

  void Fraction() {
    int digits = 0;
    int scale = 100;
    for (; IsDigit(); ++digits) {
      milliseconds_ += scale * (rest_.front() - '0');
      scale /= 10;
      rest_.remove_prefix(1);
    }
    if (digits < 1 || digits > 7) failed_ = true;
  }

  // "am" or "pm", where the hours are from 1 to 12.
  bool Meridian() {
    if (rest_.size() < 2 || (rest_[1] | 32) != 'm') return false;
    char half = static_cast<char>(rest_[0] | 32);
    if (half != 'a' && half != 'p') return false;
    rest_.remove_prefix(2);
    if (hour_ < 1 || hour_ > 12) failed_ = true;
    hour_ = hour_ % 12 + (half == 'p' ? 12 : 0);
    return true;
  }

  // In seconds.
  int64_t Offset() {
    if (rest_.empty() || Take('Z')) return 0;
    int sign = Is('-') ? -1 : 1;
    if (!Take('+') && !Take('-')) {
      failed_ = true;
      return 0;
    }
    // One digit of the hours may be missing.
    int hours = Digits(1);
    if (IsDigit()) hours = hours * 10 + Digits(1);
    Take(':');
    int minutes = Digits(2);
    if (minutes > 59 || hours * 60 + minutes > 14 * 60) failed_ = true;
    return sign * (hours * 60 + minutes) * 60;
  }

  std::string_view rest_;
  bool failed_ = false;
  int64_t days_ = 0;
  int hour_ = 0;
  int minute_ = 0;
  int second_ = 0;
  int milliseconds_ = 0;
};

}  // namespace

std::optional<int64_t> ParseDate(std::string_view text) {
  return Parser(text).Run();
}

}  // namespace nightjar::lang
