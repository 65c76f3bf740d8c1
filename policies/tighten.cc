#include "policies/tighten.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "policies/policy_errors.h"
#include "policies/setting.h"
#include "policies/tightness.h"

namespace nightjar::policy {
namespace {

constexpr std::array<std::string_view, 25> kTightened = {"wall",
                                                         "cpu",
                                                         "memory",
                                                         "pids",
                                                         "output",
                                                         "trace",
                                                         "depth",
                                                         "tmp",
                                                         "steps",
                                                         "exec",
                                                         "rate",
                                                         "canvas_memory",
                                                         "canvas_pids",
                                                         "canvas_cpus",
                                                         "canvas_cpu_burst",
                                                         "concurrency",
                                                         "canvas_cpu_weight",
                                                         "canvas_disk_read",
                                                         "queue",
                                                         "queue_time",
                                                         "quota_runs",
                                                         "quota_cpu",
                                                         "quota_egress",
                                                         "trace_events_per_day",
                                                         "trace_bytes_per_day"};

bool IsTighter(const LimitKey& key, const LimitValue& value, const LimitValue& than) {
  return DirectionOf(key, than, value) == Direction::kTighter;
}

template <typename T>
bool ReadWhole(std::string_view text, T* number) {
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return failed == std::errc() && end == text.data() + text.size() && !text.empty();
}

TomlNode NodeOf(std::string_view text) {
  TomlNode node;
  node.kind = TomlNode::Kind::kString;
  node.text = text;
  if (text == "true" || text == "false") {
    node.kind = TomlNode::Kind::kBool;
    node.flag = text == "true";
  } else if (ReadWhole(text, &node.integer)) {
    node.kind = TomlNode::Kind::kInteger;
    node.number = static_cast<double>(node.integer);
  } else if (ReadWhole(text, &node.number)) {
    node.kind = TomlNode::Kind::kNumber;
  }
  return node;
}

}  // namespace

tl::expected<LimitValue, std::string> ReadTightened(const LimitKey& key, std::string_view text) {
  const std::string name = Quoted(key.name);
  if (std::find(kTightened.begin(), kTightened.end(), key.name) == kTightened.end())
    return tl::unexpected(name + " is not a limit that can be tightened");
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    text = text.substr(1, text.size() - 2);
  auto value = ReadLimit(key, NodeOf(text));
  if (!value && !value.error().starts_with(name))
    return tl::unexpected(name + ": " + value.error());
  return value;
}

tl::expected<LimitValue, std::string> ReadTighter(const LimitKey& key, std::string_view text,
                                                  const Limits& in_force) {
  auto value = ReadTightened(key, text);
  if (!value || IsTighter(key, *value, key.ValueIn(in_force))) return value;
  LimitText now = key.TextIn(in_force);
  return tl::unexpected(Quoted(key.name) + " = " + FormatLimit(key.kind, *value) +
                        " is not tighter than what is in force: " + now.value + " (" +
                        now.origin.source + ", " + now.origin.layer + ")");
}

void Tighten(const LimitKey& key, const LimitValue& value, const Origin& origin, Limits* limits) {
  if (!IsTighter(key, value, key.ValueIn(*limits))) return;
  key.Set(*limits, value, origin);
  // A canvas's that was tightened below those of its runs bounds these too, by the same words.
  if (limits->memory_bytes.value > limits->canvas_memory_bytes.value)
    limits->memory_bytes = limits->canvas_memory_bytes;
  if (limits->pids.value > limits->canvas_pids.value) limits->pids = limits->canvas_pids;
}

}  // namespace nightjar::policy
