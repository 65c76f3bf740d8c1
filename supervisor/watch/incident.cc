#include "supervisor/watch/incident.h"

#include <algorithm>

#include "policies/kill_rules.h"
#include "supervisor/policy/limits_on_wire.h"

namespace nightjar {
namespace {

// What the worker says that it was stopped softly for, where that can be true.
std::optional<policy::KillRule> SoftRuleOf(const proto::LimitHit& hit, const policy::Limits& limits,
                                           const policy::RunUsage& usage) {
  policy::SoftLimits soft = policy::SoftLimitsOf(limits);
  constexpr policy::Micros kNever{0};
  switch (hit.limit()) {
    case proto::SELF_LIMIT_WALL:  // it began later than it was sent its run
      if (soft.wall > kNever && usage.wall >= soft.wall) return policy::KillRule::kWall;
      break;
    case proto::SELF_LIMIT_CPU:  // the kernel counts a process's time in two ways, not quite alike
      if (soft.cpu > kNever && usage.cpu >= soft.cpu / 2) return policy::KillRule::kCpu;
      break;
    case proto::SELF_LIMIT_MEMORY:
      if (hit.measured() > soft.value_bytes) return policy::KillRule::kMemory;
      break;
    default:
      break;
  }
  return std::nullopt;
}

using Count = std::optional<uint64_t>;

// What came between two readings, where both have it.
Count Between(const Count& from, const Count& to) {
  if (!from || !to) return std::nullopt;
  return *to - std::min(*from, *to);
}

void PutHoldUps(const RunSeen& seen, proto::Incident* incident) {
  const CellEvents& end = seen.events;
  if (!seen.first_look) {
    if (end.canvas_throttled || end.cpu_stalled_us)
      incident->add_left_out("hold-ups: it ended before the first look at them");
    return;
  }
  const CellEvents& first = seen.first_look->events;
  proto::CellEvents& out = *incident->mutable_events();
  out.set_counted_from_us(Microseconds(seen.first_look->at));
  if (auto count = Between(first.canvas_throttled, end.canvas_throttled))
    out.set_canvas_throttled(*count);
  if (auto count = Between(first.canvas_throttled_us, end.canvas_throttled_us))
    out.set_canvas_throttled_us(*count);
  if (auto count = Between(first.cpu_stalled_us, end.cpu_stalled_us))
    out.set_cpu_stalled_us(*count);
  if (auto count = Between(first.memory_stalled_us, end.memory_stalled_us))
    out.set_memory_stalled_us(*count);
  if (auto count = Between(first.io_stalled_us, end.io_stalled_us)) out.set_io_stalled_us(*count);
}

void PutSeen(const RunSeen& seen, proto::Incident* incident) {
  for (const UsageHistory::Sample& sample : seen.usage) {
    proto::UsageSample& out = *incident->add_usage_over_time();
    out.set_at_us(Microseconds(sample.at));
    out.set_cpu_us(sample.cpu_us);
    out.set_memory_bytes(sample.memory_bytes);
    out.set_pids(sample.pids);
  }
  const CellEvents& end = seen.events;
  proto::CellEvents& events = *incident->mutable_events();
  if (end.memory_high) events.set_memory_high(*end.memory_high);
  if (end.memory_max) events.set_memory_max(*end.memory_max);
  if (end.memory_oom) events.set_memory_oom(*end.memory_oom);
  if (end.memory_oom_kill) events.set_memory_oom_kill(*end.memory_oom_kill);
  if (end.pids_denied) events.set_pids_denied(*end.pids_denied);
  PutHoldUps(seen, incident);
  if (!seen.processes) return;
  incident->set_processes_in_all(static_cast<uint32_t>(seen.processes->in_all));
  for (const proto::ProcessSeen& process : seen.processes->processes)
    *incident->add_processes() = process;
  for (const std::string& what : seen.processes->left_out) incident->add_left_out(what);
}

}  // namespace

proto::Usage UsageOf(const CellUsage& usage) {
  proto::Usage out;
  out.set_cpu_us(usage.cpu_us);
  out.set_memory_peak_bytes(usage.memory_peak_bytes);
  out.set_pids_peak(usage.pids_peak);
  return out;
}

std::optional<KillCause> CauseOfSelfLimit(const proto::LimitHit& hit, const policy::Limits& limits,
                                          policy::RunUsage usage) {
  if (auto rule = SoftRuleOf(hit, limits, usage)) {
    usage.value_bytes = hit.measured();
    return CauseOf(policy::SoftlyStopped(*rule, limits, usage));
  }
  switch (hit.limit()) {
    case proto::SELF_LIMIT_STEPS:
      usage.steps = hit.measured();
      break;
    case proto::SELF_LIMIT_CALL_DEPTH:
      usage.depth = hit.measured();
      break;
    case proto::SELF_LIMIT_OUTPUT:
      usage.output_bytes = hit.measured();
      break;
    case proto::SELF_LIMIT_TRACE:
      usage.trace_bytes = hit.measured();
      break;
    default:
      return std::nullopt;
  }
  auto broken = policy::Broken(limits, usage);
  // A worker that stops itself below its limit has used up something that only it can measure, such
  // as its stack: taken at its word, for the claim hurts nobody else.
  if (!broken && hit.limit() == proto::SELF_LIMIT_CALL_DEPTH)
    return KillCause{
        proto::VERDICT_CALL_DEPTH,
        "its calls nested " + std::to_string(hit.measured()) + " deep and its stack was used up",
        "depth", Nanos(0)};
  // A part of the limit is kept for the returns of open calls: its events end before it.
  if (!broken && hit.limit() == proto::SELF_LIMIT_TRACE && limits.trace_overflow_kills.value)
    return KillCause{
        proto::VERDICT_TRACE,
        "its trace was full after " + std::to_string(hit.measured()) + " bytes of events", "trace",
        Nanos(0)};
  if (!broken) return std::nullopt;
  return CauseOf(*broken);
}

proto::Incident MakeIncident(const IncidentFacts& facts) {
  proto::Incident incident;
  incident.set_run_id(facts.run.ToString());
  incident.set_canvas(facts.canvas);
  incident.set_handler(facts.handler);
  incident.set_revision(facts.revision);
  incident.set_verdict(facts.verdict.verdict);
  incident.set_detail(facts.verdict.detail);
  incident.set_at_unix_us(facts.at_unix_us);
  incident.set_request_line(facts.request_line);
  incident.set_caller(facts.caller);
  *incident.mutable_usage() = facts.usage;
  if (facts.limits != nullptr) {
    incident.set_policy_version(facts.limits->policy);
    for (proto::LimitInForce& limit : LimitsInForce(*facts.limits)) {
      if (limit.name() == facts.verdict.limit) *incident.mutable_broken() = limit;
      *incident.add_limits() = std::move(limit);
    }
  }
  if (facts.death != nullptr) {
    incident.set_exit_signal(facts.death->exit.signal);
    incident.set_exit_status(facts.death->exit.exit_code);
    proto::KillTimes& kill = *incident.mutable_kill();
    kill.set_overshoot_us(Microseconds(facts.overshoot));
    kill.set_signal_to_exit_us(Microseconds(facts.death->signal_to_exit));
    kill.set_signal_to_empty_us(Microseconds(facts.death->signal_to_empty));
    kill.set_quarantined(facts.death->quarantined);
    kill.set_by_guard(facts.by_guard);
  }
  if (facts.seen != nullptr) PutSeen(*facts.seen, &incident);
  if (facts.refusal) *incident.mutable_refusal() = *facts.refusal;
  return incident;
}

}  // namespace nightjar
