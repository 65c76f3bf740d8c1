#include "supervisor/run/trace_rules.h"

#include "ipc/core/check.h"
#include "policies/limit_table.h"

namespace nightjar {
namespace {

std::string Line(const policy::Limits& limits, std::string_view name) {
  const policy::LimitKey* key = policy::FindLimitKey(name);
  CHECK(key != nullptr);
  return policy::WithOrigin(key->TextIn(limits));
}

}  // namespace

std::optional<proto::TraceRules> TraceRulesOf(const policy::Limits& limits, WantedBy wanted) {
  const uint64_t one_in = limits.trace_sample.value;
  const uint64_t events = limits.trace_events_per_day.value;
  const uint64_t bytes = limits.trace_bytes_per_day.value;
  if (one_in == 1 && events == 0 && bytes == 0) return std::nullopt;
  proto::TraceRules rules;
  rules.set_one_in(one_in);
  if (one_in != 1) rules.set_one_in_by(Line(limits, "trace_sample"));
  rules.set_slow_us(static_cast<uint64_t>(limits.trace_slow.value.count()));
  rules.set_events_per_day(events);
  if (events > 0) rules.set_events_by(Line(limits, "trace_events_per_day"));
  rules.set_bytes_per_day(bytes);
  if (bytes > 0) rules.set_bytes_by(Line(limits, "trace_bytes_per_day"));
  rules.set_asked_for(wanted == WantedBy::kOperator);
  return rules;
}

}  // namespace nightjar
