#include "supervisor/cli/quantity.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace nightjar::cli {
namespace {

// Three digits that count, four from a thousand on: 9.87, 98.7, 987.
std::string Digits(double value) {
  char text[40];
  snprintf(text, sizeof text, "%.*f", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value);
  return text;
}

}  // namespace

std::string TimeText(uint64_t micros) {
  if (micros < 1000) return std::to_string(micros) + " us";
  auto value = static_cast<double>(micros);
  if (micros < 999'500) return Digits(value / 1e3) + " ms";
  char text[40];
  if (micros < 600'000'000) {
    snprintf(text, sizeof text, "%.3f s", value / 1e6);
    return text;
  }
  uint64_t minutes = micros / 60'000'000;
  snprintf(text, sizeof text, "%llu:%02llu h", static_cast<unsigned long long>(minutes / 60),
           static_cast<unsigned long long>(minutes % 60));
  return text;
}

std::string NanosText(uint64_t nanos) {
  if (nanos < 1000) return std::to_string(nanos) + " ns";
  if (nanos < 1'000'000) return Digits(static_cast<double>(nanos) / 1e3) + " us";
  return TimeText(nanos / 1000);
}

std::string BytesText(uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  static constexpr std::array<const char*, 5> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  char text[40];
  snprintf(text, sizeof text, "%.1f %s", value, kUnits[unit]);
  return text;
}

std::string ClockText(int64_t unix_us) {
  if (unix_us <= 0) return "-";
  time_t seconds = unix_us / 1'000'000;
  tm parts{};
  if (gmtime_r(&seconds, &parts) == nullptr) return "-";
  char text[64];
  size_t size = strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  snprintf(text + size, sizeof text - size, ".%03dZ", static_cast<int>(unix_us / 1000 % 1000));
  return text;
}

std::string CountText(uint64_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

std::string VerdictText(proto::Verdict verdict) {
  constexpr std::string_view kPrefix = "VERDICT_";
  const std::string& name = proto::Verdict_Name(verdict);
  if (name.size() <= kPrefix.size()) return "unknown";  // a newer supervisor's
  std::string text = name.substr(kPrefix.size());
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

bool WasKilled(proto::Verdict verdict) {
  return verdict != proto::VERDICT_FINISHED && verdict != proto::VERDICT_PROGRAM_ERROR &&
         verdict != proto::VERDICT_UNSPECIFIED;
}

}  // namespace nightjar::cli
