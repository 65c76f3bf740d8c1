#include "policies/setting.h"

#include <algorithm>

#include "ipc/core/bounds.h"
#include "policies/denied_calls.h"
#include "policies/policy_errors.h"
#include "policies/units.h"
#include "policies/urgent.h"

namespace nightjar::policy {
namespace {

using Kind = TomlNode::Kind;
using Read = tl::expected<LimitValue, std::string>;

constexpr std::string_view kNone = "none";

// What a right value looks like, for the message about a wrong one.
std::string_view Wanted(LimitKind kind) {
  switch (kind) {
    case LimitKind::kDuration:
      return "a duration in quotes, such as \"500ms\" or \"2s\"";
    case LimitKind::kMaybeDuration:
      return "a duration in quotes, such as \"500ms\" or \"2s\", or \"none\"";
    case LimitKind::kSize:
      return "a size in quotes, such as \"64MiB\"";
    case LimitKind::kMaybeSize:
      return "a size in quotes, such as \"64MiB\", or \"none\"";
    case LimitKind::kCount:
      return "a whole number without quotes, such as 8";
    case LimitKind::kMaybe:
      return "a whole number without quotes, such as 1000000, or \"none\"";
    case LimitKind::kCpus:
      return "a number of processors, such as 1.5, or \"none\"";
    case LimitKind::kRate:
      return "a rate in quotes, such as \"50/s\", or \"none\"";
    case LimitKind::kSwitch:
      return "true or false, without quotes";
    case LimitKind::kOverflow:
      return "\"drop\" or \"kill\"";
    case LimitKind::kNames:
      return "names in brackets, such as [\"authorization\", \"cookie\"]";
    case LimitKind::kSample:
      return "\"all\", \"none\" or one in so many, such as \"1/100\"";
  }
  return "";
}

tl::unexpected<std::string> WrongType(const LimitKey& key, const TomlNode& node) {
  return tl::unexpected("`" + std::string(key.name) + "` takes " + std::string(Wanted(key.kind)) +
                        ", not " + std::string(node.KindName()));
}

double Magnitude(const LimitValue& value) {
  if (const auto* duration = std::get_if<Micros>(&value))
    return static_cast<double>(duration->count());
  if (const auto* count = std::get_if<uint64_t>(&value)) return static_cast<double>(*count);
  if (const auto* number = std::get_if<double>(&value)) return *number;
  return 0;
}

LimitValue FromMagnitude(LimitKind kind, double magnitude) {
  switch (kind) {
    case LimitKind::kDuration:
    case LimitKind::kMaybeDuration:
      return Micros(static_cast<int64_t>(magnitude));
    case LimitKind::kSize:
    case LimitKind::kMaybeSize:
    case LimitKind::kCount:
    case LimitKind::kMaybe:
      return static_cast<uint64_t>(magnitude);
    default:
      return magnitude;
  }
}

bool MayBeNone(LimitKind kind) {
  return kind == LimitKind::kMaybe || kind == LimitKind::kMaybeSize ||
         kind == LimitKind::kMaybeDuration || kind == LimitKind::kCpus || kind == LimitKind::kRate;
}

Read InRange(const LimitKey& key, LimitValue value) {
  double magnitude = Magnitude(value);
  // Written so that a NaN is out of range.
  if (magnitude >= key.min && magnitude <= key.max) return value;
  std::string message = "`" + std::string(key.name) + "` is at least " +
                        FormatLimit(key.kind, FromMagnitude(key.kind, key.min)) + " and at most " +
                        FormatLimit(key.kind, FromMagnitude(key.kind, key.max));
  if (magnitude == 0 && MayBeNone(key.kind)) {
    const bool of_traces = key.name.starts_with("trace_");
    message += key.kind == LimitKind::kMaybeDuration ? "; \"none\" switches it off"
                                                     : "; \"none\" lifts the bound";
    if (key.scope == LimitScope::kCanvas && !of_traces)
      message += ", and `suspended = true` lets nothing in";
    if (key.scope == LimitScope::kCanvas && of_traces)
      message += ", and `trace = \"0B\"` records nothing";
  }
  return tl::unexpected(std::move(message));
}

// As headers and fields are named; a line end or a blank is a slip.
bool IsFieldName(std::string_view name) {
  return !name.empty() && name.size() <= bounds::kRedactionNameBytes && !name.starts_with('.') &&
         !name.ends_with('.') && name.find("..") == std::string_view::npos &&
         std::none_of(name.begin(), name.end(), [](char c) {
           return static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '\\' || c == 0x7f;
         });
}

bool MayBeUrgent(std::string_view name) {
  auto names = UrgentNames();
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string NotUrgent(std::string_view name) {
  if (FindLimitKey(name) == nullptr)
    return "`urgent` names limits, and there is no " + Quoted(name) +
           Suggestion(name, UrgentNames());
  std::string which;
  for (std::string_view other : UrgentNames()) which += (which.empty() ? "" : ", ") + Quoted(other);
  return Quoted(name) + " cannot be changed for runs in flight; `urgent` takes " + which;
}

Read ReadNames(const LimitKey& key, const TomlNode& node) {
  const std::string quoted = "`" + std::string(key.name) + "`";
  const auto names_max = static_cast<size_t>(key.max);
  if (node.children.size() > names_max)
    return tl::unexpected(quoted + " takes at most " + std::to_string(names_max) + " names");
  Names names;
  for (const TomlNode& child : node.children) {
    if (child.kind != Kind::kString)
      return tl::unexpected(quoted + " takes names in quotes, not " +
                            std::string(child.KindName()));
    if (!IsFieldName(child.text))
      return tl::unexpected(quoted + " takes names of 1 to " +
                            std::to_string(bounds::kRedactionNameBytes) +
                            " characters, without blanks, quotes and backslashes, and with dots "
                            "between words only");
    if (key.name == "urgent" && !MayBeUrgent(child.text))
      return tl::unexpected(NotUrgent(child.text));
    if (key.name == "denied_calls")
      if (auto wrong = WhyNotDenied(child.text); !wrong.empty()) return tl::unexpected(wrong);
    names.push_back(child.text);
  }
  return LimitValue(std::move(names));
}

Read ReadSample(const std::string& text) {
  static constexpr std::string_view kWords[] = {"all", "none"};
  auto parsed = ParseSample(text);
  if (!parsed) return tl::unexpected(parsed.error() + Suggestion(text, kWords));
  return LimitValue(*parsed);
}

template <typename T>
Read Ranged(const LimitKey& key, const Parsed<T>& parsed) {
  if (!parsed) return tl::unexpected(parsed.error());
  return InRange(key, LimitValue(*parsed));
}

}  // namespace

Read ReadLimit(const LimitKey& key, const TomlNode& node) {
  bool text = node.kind == Kind::kString;
  if (MayBeNone(key.kind) && text && node.text == kNone) return FromMagnitude(key.kind, 0);
  switch (key.kind) {
    case LimitKind::kDuration:
    case LimitKind::kMaybeDuration:
      if (text) return Ranged(key, ParseDuration(node.text));
      break;
    case LimitKind::kSize:
    case LimitKind::kMaybeSize:
      if (text) return Ranged(key, ParseSize(node.text));
      break;
    case LimitKind::kRate:
      if (text) return Ranged(key, ParseRate(node.text));
      break;
    case LimitKind::kCount:
    case LimitKind::kMaybe:
      if (node.kind != Kind::kInteger) break;
      if (node.integer < 0)
        return tl::unexpected("`" + std::string(key.name) + "` is a count and not negative");
      return InRange(key, LimitValue(static_cast<uint64_t>(node.integer)));
    case LimitKind::kCpus:
      if (node.kind == Kind::kInteger || node.kind == Kind::kNumber)
        return InRange(key, LimitValue(node.number));
      break;
    case LimitKind::kSwitch:
      if (node.kind == Kind::kBool) return LimitValue(node.flag);
      break;
    case LimitKind::kNames:
      if (node.kind == Kind::kArray) return ReadNames(key, node);
      break;
    case LimitKind::kSample:
      if (text) return ReadSample(node.text);
      break;
    case LimitKind::kOverflow:
      if (!text) break;
      if (node.text == "drop") return LimitValue(false);
      if (node.text == "kill") return LimitValue(true);
      return tl::unexpected("`" + std::string(key.name) + "` is \"drop\" or \"kill\", not \"" +
                            node.text + "\"");
  }
  return WrongType(key, node);
}

}  // namespace nightjar::policy
