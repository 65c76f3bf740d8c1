#include "rules/condition.h"

#include <algorithm>
#include <charconv>

#include "ipc/core/ascii.h"
#include "policies/policy_errors.h"
#include "policies/units.h"
#include "rules/measure.h"
#include "rules/rule_bounds.h"

namespace nightjar::rules {
namespace {

using policy::Quoted;
using Wrong = tl::unexpected<std::string>;

constexpr std::string_view kNameMissing = "a counter's name is missing";
constexpr double kNumberMax = 1e15;  // beyond, a double would not hold each count

std::string_view Trimmed(std::string_view text) {
  return TrimAscii(text, kBlanks);
}

std::vector<std::string_view> SplitAt(std::string_view text, char sign) {
  std::vector<std::string_view> parts;
  for (size_t end; (end = text.find(sign)) != std::string_view::npos;) {
    parts.push_back(Trimmed(text.substr(0, end)));
    text.remove_prefix(end + 1);
  }
  parts.push_back(Trimmed(text));
  return parts;
}

std::string UnknownCounter(std::string_view typed) {
  std::vector<std::string_view> words = {kCpuShare};
  for (size_t i = 0; i < kCounters; ++i) words.push_back(KeyOf(static_cast<Counter>(i)).name);
  return "unknown counter " + Quoted(typed) + policy::Suggestion(typed, words);
}

// "kills" counts "kills.pids" too.
bool Includes(std::string_view whole, std::string_view part) {
  return part.size() > whole.size() && part.starts_with(whole) && part[whole.size()] == '.';
}

std::string WrongSum(const std::vector<Counter>& sum) {
  for (size_t i = 0; i < sum.size(); ++i) {
    const CounterKey& one = KeyOf(sum[i]);
    for (size_t j = 0; j < i; ++j) {
      const CounterKey& other = KeyOf(sum[j]);
      if (one.counter == other.counter) return Quoted(one.name) + " is added to itself";
      if (one.unit != other.unit)
        return Quoted(other.name) + " and " + Quoted(one.name) +
               " are of different units and have no sum";
      const bool has = Includes(one.name, other.name);
      if (has || Includes(other.name, one.name))
        return Quoted(has ? one.name : other.name) + " counts " +
               Quoted(has ? other.name : one.name) + " already";
    }
  }
  return "";
}

tl::expected<std::vector<Counter>, std::string> ParseSum(std::string_view text) {
  std::vector<Counter> sum;
  for (std::string_view name : SplitAt(text, '+')) {
    if (name.empty()) return Wrong(std::string(kNameMissing));
    const CounterKey* key = FindCounter(name);
    if (key == nullptr && name == kCpuShare)
      return Wrong(Quoted(kCpuShare) + " stands alone, as in \"cpu_share >= 0.5\"");
    if (key == nullptr) return Wrong(UnknownCounter(name));
    sum.push_back(key->counter);
  }
  if (std::string wrong = WrongSum(sum); !wrong.empty()) return Wrong(wrong);
  return sum;
}

bool HasLevel(const std::vector<Counter>& sum) {
  return std::any_of(sum.begin(), sum.end(),
                     [](Counter counter) { return KeyOf(counter).is_level; });
}

// What stands before the sign.
std::string ParseAmount(std::string_view text, Condition* condition) {
  if (text == kCpuShare) {
    condition->is_cpu_share = true;
    return "";
  }
  const std::vector<std::string_view> sides = SplitAt(text, '/');
  if (sides.size() > 2) return Quoted(text) + " has more than one `/`";
  auto amount = ParseSum(sides[0]);
  if (!amount) return amount.error();
  condition->amount = *amount;
  if (sides.size() == 2) {
    auto per = ParseSum(sides[1]);
    if (!per) return per.error();
    condition->per = *per;
  }
  if ((HasLevel(*amount) || HasLevel(condition->per)) &&
      condition->amount.size() + condition->per.size() > 1)
    return "`same_code` is a level and stands alone, as in \"same_code >= 5\"";
  if (condition->per.empty()) return "";
  if (condition->amount == condition->per) return Quoted(text) + " is always 1";
  const Unit of = KeyOf(condition->amount.front()).unit;
  const Unit to = KeyOf(condition->per.front()).unit;
  if (of != to && to != Unit::kCount)
    return Quoted(text) +
           " has no unit here: an amount is divided by a count, or by one of its kind";
  return "";
}

enum class Number { kCount, kRatio };

tl::expected<double, std::string> ParseNumber(std::string_view text, Number kind) {
  const bool is_ratio = kind == Number::kRatio;
  std::string_view digits = text;
  const bool is_percent = digits.ends_with('%');
  if (is_percent) digits = Trimmed(digits.substr(0, digits.size() - 1));
  if (digits.starts_with('-')) return Wrong(Quoted(text) + " is negative");
  double value = 0;
  auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value,
                                       std::chars_format::fixed);
  const bool plain = digits.find_first_not_of("0123456789.") == std::string_view::npos;
  if (plain && failed == std::errc::result_out_of_range)
    return Wrong(Quoted(text) + " is too large");
  if (!plain || failed != std::errc() || end != digits.data() + digits.size() ||
      digits.ends_with('.') || digits.starts_with('.'))
    return Wrong(Quoted(text) + " is no plain number" +
                 (is_ratio ? ", such as 0.5 or 50%" : ", such as 20"));
  if (value > kNumberMax) return Wrong(Quoted(text) + " is too large");
  if (is_ratio) return is_percent ? value / 100 : value;
  if (is_percent) return Wrong(Quoted(text) + ": a percentage is for a ratio and for `cpu_share`");
  if (digits.find('.') != std::string_view::npos)
    return Wrong(Quoted(text) + " is no whole number, and what is counted is one");
  return value;
}

tl::expected<double, std::string> ParseBound(std::string_view text, const Condition& condition) {
  auto as_double = [](auto value) { return static_cast<double>(value); };
  switch (UnitOf(condition)) {
    case Unit::kTime:
      return policy::ParseDuration(text).map(
          [](std::chrono::microseconds value) { return static_cast<double>(value.count()); });
    case Unit::kBytes:
      return policy::ParseSize(text).map(as_double);
    case Unit::kCount:
      return ParseNumber(
          text, condition.is_cpu_share || !condition.per.empty() ? Number::kRatio : Number::kCount);
  }
  return Wrong("");
}

}  // namespace

tl::expected<Condition, std::string> ParseCondition(std::string_view text) {
  text = Trimmed(text);
  if (text.size() > kConditionBytes)
    return Wrong("a condition is at most " + std::to_string(kConditionBytes) + " bytes long");
  const size_t sign = std::min(text.find(">="), text.find("<="));
  if (sign == std::string_view::npos)
    return Wrong(Quoted(text) +
                 " is no condition: it has a `>=` or a `<=`, as in \"kills / runs >= 0.5\"");
  Condition condition;
  condition.text = text;
  condition.at_least = text[sign] == '>';
  if (std::string wrong = ParseAmount(Trimmed(text.substr(0, sign)), &condition); !wrong.empty())
    return Wrong(wrong == kNameMissing ? wrong + " in " + Quoted(text) : wrong);
  const std::string_view bound_text = Trimmed(text.substr(sign + 2));
  if (bound_text.empty()) return Wrong("a bound is missing at the end of " + Quoted(text));
  auto bound = ParseBound(bound_text, condition);
  if (!bound) return Wrong("the bound of " + Quoted(text) + ": " + bound.error());
  condition.bound = *bound;
  if (condition.at_least && condition.bound == 0) return Wrong(Quoted(text) + " is always true");
  if (condition.is_cpu_share && condition.bound > 1)
    return Wrong(Quoted(text) + ": all processors together are 1, or 100%");
  return condition;
}

}  // namespace nightjar::rules
