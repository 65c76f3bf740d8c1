// Whether a canvas has used up what it may use in a day: limits `quota_runs`,
// `quota_cpu` and `quota_egress`. Pure.
//
// A day is one of UTC, whatever the host's time zone. Who counts is the caller's matter. A clock
// that was set back does not give anything back: use of a later day than today counts as today's.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "policies/admission.h"

namespace nightjar::policy {

// What a canvas has used in one day.
struct DayUse {
  std::chrono::sys_days day{};
  uint64_t runs = 0;  // those too that still go on or wait
  uint64_t cpu_us = 0;
  uint64_t sent_bytes = 0;  // of its answers: nothing else leaves a canvas
};

std::chrono::sys_days DayOf(WallTime time);

// A kRefuse until the day ends; nullopt: there is something left, or no quota.
std::optional<Admission> OverQuota(const Limits& limits, const DayUse& used, WallTime now);

}  // namespace nightjar::policy
