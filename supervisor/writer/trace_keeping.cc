#include "supervisor/writer/trace_keeping.h"

#include <limits>

namespace nightjar {
namespace {

constexpr size_t kTimeBytes = 6;  // of an id; all behind them is random
constexpr uint32_t kServerErrors = 500;

uint64_t Chance(const RunId& run) {
  uint64_t chance = 0;
  for (char byte : run.bytes().substr(kTimeBytes, sizeof chance))
    chance = chance << 8 | static_cast<unsigned char>(byte);
  return chance;
}

bool IsOver(uint64_t budget, uint64_t spent) {
  return budget > 0 && spent >= budget;
}

bool IsExempt(const proto::TraceRules& rules, const KeepingFacts& facts) {
  const proto::TraceRow& row = facts.row;
  bool slow = rules.slow_us() > 0 && row.usage().wall_us() > rules.slow_us();
  return !IsPlain(row) || slow || facts.first_of_revision || rules.asked_for() ||
         !row.rerun_of().empty();
}

}  // namespace

bool IsInSample(const RunId& run, uint64_t one_in) {
  return one_in > 0 && Chance(run) <= std::numeric_limits<uint64_t>::max() / one_in;
}

bool IsPlain(const proto::TraceRow& row) {
  return row.verdict() == proto::VERDICT_FINISHED && row.http_status() < kServerErrors;
}

Keeping DecideKeeping(const proto::TraceRules& rules, const KeepingFacts& facts) {
  if (facts.killed) return {};
  if (!IsExempt(rules, facts) && !IsInSample(facts.run, rules.one_in()))
    return {proto::NOT_KEPT_SAMPLE, rules.one_in_by()};
  if (IsOver(rules.bytes_per_day(), facts.spent.bytes))
    return {proto::NOT_KEPT_BYTES, rules.bytes_by()};
  if (IsOver(rules.events_per_day(), facts.spent.events))
    return {proto::NOT_KEPT_EVENTS, rules.events_by()};
  return {};
}

bool IsUsedUp(const proto::TraceRules& rules, const TraceSpending& spent) {
  return IsOver(rules.bytes_per_day(), spent.bytes) || IsOver(rules.events_per_day(), spent.events);
}

bool IsOnlyRow(const proto::TraceRow& row) {
  return row.not_kept() == proto::NOT_KEPT_SAMPLE || row.not_kept() == proto::NOT_KEPT_BYTES;
}

Status CheckKept(const proto::TraceRow& row) {
  if (!IsOnlyRow(row)) return {};
  return Fail(ErrorCode::kNotKept, "the trace of run " + row.run_id() + " was not kept, by " +
                                       row.not_kept_by() + ": there is only its row in the list");
}

}  // namespace nightjar
