#include "policies/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <span>

namespace nightjar::policy {
namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

constexpr std::array<Unit, 5> kDurationUnits = {
    {{"us", 1}, {"ms", 1000}, {"s", 1'000'000}, {"m", 60'000'000}, {"h", 3'600'000'000}}};
constexpr std::array<Unit, 5> kSizeUnits = {
    {{"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", uint64_t{1} << 40}}};
constexpr std::array<Unit, 3> kRateUnits = {{{"/s", 1}, {"/m", 60}, {"/h", 3600}}};

constexpr uint64_t kSampleMost = 1'000'000;

constexpr std::string_view kDurationHelp = "us, ms, s, m or h, as in \"500ms\"";
constexpr std::string_view kSizeHelp = "B, KiB, MiB, GiB or TiB, as in \"64MiB\"";
constexpr std::string_view kRateHelp = "/s, /m or /h, as in \"50/s\"";

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// "12.5MiB" in its two parts. The number keeps its text: it is computed with exactly.
struct Split {
  std::string_view whole;
  std::string_view fraction;
  std::string_view unit;
};

tl::expected<Split, std::string> SplitQuantity(std::string_view text) {
  size_t at = 0;
  while (at < text.size() && IsDigit(text[at])) ++at;
  Split split;
  split.whole = text.substr(0, at);
  if (at == 0 && text.starts_with('-'))
    return tl::unexpected("`" + std::string(text) + "` is negative");
  if (at == 0) return tl::unexpected("`" + std::string(text) + "` does not start with a number");
  if (at < text.size() && text[at] == '.') {
    size_t from = ++at;
    while (at < text.size() && IsDigit(text[at])) ++at;
    split.fraction = text.substr(from, at - from);
    if (split.fraction.empty())
      return tl::unexpected("`" + std::string(text) + "` has no digit after its point");
  }
  while (at < text.size() && text[at] == ' ') ++at;
  split.unit = text.substr(at);
  return split;
}

std::string ToLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

// "MB", "mb", "Mi" and "M" are all likely to mean "MiB", and "S" "s"; a guess is only ever put into
// a message.
std::string_view GuessUnit(std::string_view typed, std::span<const Unit> units) {
  std::string lower = ToLower(typed);
  for (const Unit& unit : units) {
    std::string name = ToLower(unit.name);
    if (lower == name) return unit.name;
    bool is_size = name.size() == 3 && name.ends_with("ib");
    if (is_size && !lower.empty() && lower[0] == name[0] &&
        (lower.size() == 1 || lower.substr(1) == "b" || lower.substr(1) == "i"))
      return unit.name;
  }
  return {};
}

tl::expected<uint64_t, std::string> FactorOf(std::string_view text, const Split& split,
                                             std::span<const Unit> units, std::string_view help) {
  if (split.unit.empty())
    return tl::unexpected("`" + std::string(text) + "` has no unit: " + std::string(help));
  for (const Unit& unit : units)
    if (unit.name == split.unit) return unit.factor;
  std::string message =
      "`" + std::string(split.unit) + "` is not a unit here: " + std::string(help);
  if (std::string_view guess = GuessUnit(split.unit, units); !guess.empty()) {
    std::string number(split.whole);
    if (!split.fraction.empty()) number += "." + std::string(split.fraction);
    message += "; did you mean \"" + number + std::string(guess) + "\"?";
  }
  return tl::unexpected(std::move(message));
}

// whole.fraction * factor where that is a whole number that fits.
tl::expected<uint64_t, std::string> ParseWhole(std::string_view text, std::span<const Unit> units,
                                               std::string_view help) {
  auto split = SplitQuantity(text);
  if (!split) return tl::unexpected(split.error());
  auto factor = FactorOf(text, *split, units, help);
  if (!factor) return tl::unexpected(factor.error());
  constexpr auto kMax = static_cast<unsigned __int128>(std::numeric_limits<int64_t>::max());
  unsigned __int128 value = 0;
  unsigned __int128 divisor = 1;
  // Trailing zeros say nothing, and "1.5000000000000000000000s" must not overflow the divisor.
  std::string_view fraction = split->fraction;
  while (fraction.ends_with('0')) fraction.remove_suffix(1);
  for (std::string_view digits : {split->whole, fraction}) {
    for (char c : digits) {
      value = value * 10 + static_cast<unsigned>(c - '0');
      if (digits.data() == fraction.data()) divisor *= 10;
      if (value > kMax || divisor > kMax)
        return tl::unexpected("`" + std::string(text) + "` has too many digits");
    }
  }
  value *= *factor;
  if (value % divisor != 0)
    return tl::unexpected("`" + std::string(text) + "` is no whole number of " +
                          std::string(units[0].name));
  value /= divisor;
  if (value > kMax) return tl::unexpected("`" + std::string(text) + "` is too large");
  return static_cast<uint64_t>(value);
}

std::string FormatWhole(uint64_t value, std::span<const Unit> units) {
  const Unit* best = &units[0];
  for (const Unit& unit : units)
    if (value != 0 && value % unit.factor == 0) best = &unit;
  return std::to_string(value / best->factor) + std::string(best->name);
}

}  // namespace

Parsed<std::chrono::microseconds> ParseDuration(std::string_view text) {
  return ParseWhole(text, kDurationUnits, kDurationHelp).map([](uint64_t micros) {
    return std::chrono::microseconds(micros);
  });
}

std::string FormatDuration(std::chrono::microseconds duration) {
  if (duration.count() == 0) return "0s";
  return FormatWhole(static_cast<uint64_t>(duration.count()), kDurationUnits);
}

Parsed<uint64_t> ParseSize(std::string_view text) {
  return ParseWhole(text, kSizeUnits, kSizeHelp);
}

std::string FormatSize(uint64_t bytes) {
  return FormatWhole(bytes, kSizeUnits);
}

Parsed<double> ParseRate(std::string_view text) {
  auto split = SplitQuantity(text);
  if (!split) return tl::unexpected(split.error());
  auto factor = FactorOf(text, *split, kRateUnits, kRateHelp);
  if (!factor) return tl::unexpected(factor.error());
  std::string_view number = text.substr(
      0, split->whole.size() + (split->fraction.empty() ? 0 : 1 + split->fraction.size()));
  double value = 0;
  auto [end, failed] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (failed != std::errc() || end != number.data() + number.size())
    return tl::unexpected("`" + std::string(text) + "` has too many digits");
  return value / static_cast<double>(*factor);
}

std::string FormatRate(double per_second) {
  for (const Unit& unit : kRateUnits) {
    auto factor = static_cast<double>(unit.factor);
    double number = std::round(per_second * factor);
    if (number > 0 && number < 1e15 && number / factor == per_second)
      return FormatNumber(number) + std::string(unit.name);
  }
  return FormatNumber(per_second) + "/s";
}

Parsed<uint64_t> ParseSample(std::string_view text) {
  if (text == "all") return 1;
  if (text == "none") return 0;
  constexpr std::string_view kOneIn = "1/";
  const std::string wrong =
      "`" + std::string(text) + "` is not \"all\", \"none\" or one in so many, as in \"1/100\"";
  if (!text.starts_with(kOneIn)) return tl::unexpected(wrong);
  uint64_t one_in = 0;
  auto [end, failed] =
      std::from_chars(text.data() + kOneIn.size(), text.data() + text.size(), one_in);
  if (failed != std::errc() || end != text.data() + text.size()) return tl::unexpected(wrong);
  if (one_in == 0 || one_in > kSampleMost)
    return tl::unexpected("`" + std::string(text) + "` is not from \"1/1\" to \"1/" +
                          std::to_string(kSampleMost) + "\"");
  return one_in;
}

std::string FormatSample(uint64_t one_in) {
  if (one_in == 0) return "none";
  return one_in == 1 ? "all" : "1/" + std::to_string(one_in);
}

std::string FormatNumber(double number) {
  // Plain digits, never an exponent: that is what a policy file takes. 400 holds any double.
  std::array<char, 400> buffer;
  auto [end, failed] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::fixed);
  if (failed != std::errc()) return "?";
  return std::string(buffer.data(), end);
}

}  // namespace nightjar::policy
