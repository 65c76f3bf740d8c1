#include "policies/quota.h"

#include "ipc/core/check.h"
#include "policies/limit_table.h"

namespace nightjar::policy {
namespace {

Admission RefuseUntilMidnight(RefusalKind kind, std::string_view limit, const Limits& limits,
                              WallTime now) {
  const LimitKey* key = FindLimitKey(limit);
  CHECK(key != nullptr);
  WallTime midnight = DayOf(now) + std::chrono::days(1);
  return {AdmissionDecision::kRefuse, kind, midnight - now, key->TextIn(limits)};
}

}  // namespace

std::chrono::sys_days DayOf(WallTime time) {
  return std::chrono::floor<std::chrono::days>(time);
}

std::optional<Admission> OverQuota(const Limits& limits, const DayUse& used, WallTime now) {
  if (used.day < DayOf(now)) return std::nullopt;
  const uint64_t runs = limits.quota_runs.value;
  if (runs > 0 && used.runs >= runs)
    return RefuseUntilMidnight(RefusalKind::kQuotaRuns, "quota_runs", limits, now);
  const auto cpu_us = static_cast<uint64_t>(limits.quota_cpu.value.count());
  if (cpu_us > 0 && used.cpu_us >= cpu_us)
    return RefuseUntilMidnight(RefusalKind::kQuotaCpu, "quota_cpu", limits, now);
  const uint64_t sent_bytes = limits.quota_egress_bytes.value;
  if (sent_bytes > 0 && used.sent_bytes >= sent_bytes)
    return RefuseUntilMidnight(RefusalKind::kQuotaEgress, "quota_egress", limits, now);
  return std::nullopt;
}

}  // namespace nightjar::policy
