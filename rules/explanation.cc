#include "rules/explanation.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "ipc/core/ascii.h"
#include "policies/units.h"
#include "rules/condition.h"
#include "rules/measure.h"

namespace nightjar::rules {
namespace {

struct Scale {
  std::string_view unit;
  double factor = 1;
  double from = 0;  // a value of as much is written in this unit
};

constexpr double kSecond = 1e6;
constexpr double kKiB = 1024;
constexpr int kDigitsMost = 9;  // behind the point

// Minutes and hours only where they are no fraction of themselves.
constexpr std::array<Scale, 5> kTimes = {{{"h", 3600 * kSecond, 2 * 3600 * kSecond},
                                          {"m", 60 * kSecond, 120 * kSecond},
                                          {"s", kSecond, kSecond},
                                          {"ms", 1000, 1000},
                                          {"us", 1, 0}}};
constexpr std::array<Scale, 5> kSizes = {{{"TiB", kKiB* kKiB* kKiB* kKiB, kKiB* kKiB* kKiB* kKiB},
                                          {"GiB", kKiB* kKiB* kKiB, kKiB* kKiB* kKiB},
                                          {"MiB", kKiB* kKiB, kKiB* kKiB},
                                          {"KiB", kKiB, kKiB},
                                          {"B", 1, 0}}};

Scale ScaleOf(const Condition& condition, double value) {
  auto fitting = [&](const auto& scales) {
    return *std::find_if(scales.begin(), scales.end(),
                         [&](const Scale& scale) { return value >= scale.from; });
  };
  switch (UnitOf(condition)) {
    case Unit::kTime:
      return fitting(kTimes);
    case Unit::kBytes:
      return fitting(kSizes);
    case Unit::kCount:
      break;
  }
  return condition.text.ends_with('%') ? Scale{"%", 0.01, 0} : Scale{};
}

// Three digits that say something, and two behind the point of what is smaller.
int DigitsFor(double number) {
  if (number >= 100 || number == 0) return 0;
  if (number >= 10) return 1;
  return number >= 0.01 ? 2 : std::min(kDigitsMost, 1 - static_cast<int>(std::log10(number)) + 1);
}

double Rounded(double number, int digits) {
  const double shift = std::pow(10, digits);
  return std::round(number * shift) / shift;
}

// The bounds that a value is beside: where it is rounded it stays on the same side of them.
bool TellsTheSame(const Condition& condition, double value, double shown, double clear_at) {
  return Meets(condition, value) == Meets(condition, shown) &&
         Meets(condition, value, clear_at) == Meets(condition, shown, clear_at);
}

struct Sides {
  std::string_view amount;  // "kills / runs"
  std::string_view sign;    // ">="
  std::string_view bound;   // "0.5"
};

Sides SidesOf(const Condition& condition) {
  const std::string_view text = condition.text;
  const std::string_view sign = condition.at_least ? ">=" : "<=";
  const size_t at = text.find(sign);
  return {TrimAscii(text.substr(0, at), kBlanks), sign,
          TrimAscii(text.substr(at + sign.size()), kBlanks)};
}

std::string Format(const Condition& condition, double value, double clear_at) {
  const Scale scale = ScaleOf(condition, value);
  const double number = value / scale.factor;
  int digits = DigitsFor(number);
  while (digits < kDigitsMost &&
         !TellsTheSame(condition, value, Rounded(number, digits) * scale.factor, clear_at))
    ++digits;
  return policy::FormatNumber(Rounded(number, digits)) + std::string(scale.unit);
}

std::string ExplainOne(const Condition& condition, double value, double clear_at) {
  const Sides sides = SidesOf(condition);
  std::string text = std::string(sides.amount) + " = " + Format(condition, value, clear_at) + " (" +
                     std::string(sides.sign) + " " + std::string(sides.bound);
  if (!Meets(condition, value)) {
    const double end = condition.at_least ? condition.bound * clear_at : condition.bound / clear_at;
    text += std::string(", over ") + (condition.at_least ? "below " : "above ") +
            Format(condition, end, clear_at);
  }
  return text + ")";
}

std::string Head(const Rule& rule) {
  return "rule " + rule.name + " (" + rule.place + "): ";
}

}  // namespace

std::string FormatValue(const Condition& condition, double value) {
  return Format(condition, value, 1);
}

std::vector<Finding> FindingsOf(const Rule& rule, std::span<const double> values) {
  std::vector<Finding> findings;
  for (size_t i = 0; i < rule.when.size(); ++i)
    findings.push_back({rule.when[i].text, Format(rule.when[i], values[i], rule.clear_at)});
  return findings;
}

std::string Explain(const Rule& rule, std::span<const double> values) {
  std::string text = Head(rule) + "in " + policy::FormatDuration(rule.window) + ", ";
  for (size_t i = 0; i < rule.when.size(); ++i) {
    if (i > 0) text += i + 1 == rule.when.size() ? " and " : ", ";
    text += ExplainOne(rule.when[i], values[i], rule.clear_at);
  }
  return text;
}

std::string ExplainEnd(const Rule& rule, Seconds went_on, Seconds not_met) {
  return Head(rule) + "over after " + policy::FormatDuration(went_on) + ", not met for " +
         policy::FormatDuration(not_met);
}

}  // namespace nightjar::rules
