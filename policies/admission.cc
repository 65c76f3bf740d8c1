#include "policies/admission.h"

#include <algorithm>

#include "ipc/core/check.h"
#include "policies/limit_table.h"

namespace nightjar::policy {
namespace {

// How long it takes until a run ends is unknown; this keeps clients that obey from knocking in a
// busy loop.
constexpr Nanos kRetryWhenFull = std::chrono::seconds(1);

void Refill(AdmissionState& state, const Limits& limits, MonoTime now) {
  double rate = limits.rate_per_s.value;
  double burst = BurstOf(limits);
  if (state.burst == 0) {
    state = {burst, burst, now};
    return;
  }
  Nanos passed = std::max(now - state.counted_at, Nanos(0));
  double seconds = std::chrono::duration<double>(passed).count();
  state.tokens = std::min(state.tokens + seconds * rate, burst);
  state.burst = burst;
  state.counted_at = std::max(now, state.counted_at);
}

LimitText TextOf(std::string_view name, const Limits& limits) {
  const LimitKey* key = FindLimitKey(name);
  CHECK(key != nullptr);
  return key->TextIn(limits);
}

}  // namespace

double BurstOf(const Limits& limits) {
  uint64_t burst = limits.burst.value;
  return std::max(1.0, burst > 0 ? static_cast<double>(burst) : limits.rate_per_s.value);
}

Admission Admit(AdmissionState& state, const Limits& limits, MonoTime now, uint64_t running,
                uint64_t queued) {
  using enum AdmissionDecision;
  if (limits.suspended.value)
    return {kRefuse, RefusalKind::kSuspended, Nanos(0), TextOf("suspended", limits)};
  bool room = running < limits.concurrency.value;
  if (!room && queued >= limits.queue.value)
    return {kRefuse, RefusalKind::kConcurrency, kRetryWhenFull, TextOf("concurrency", limits)};
  if (double rate = limits.rate_per_s.value; rate > 0) {
    Refill(state, limits, now);
    if (state.tokens < 1) {
      double seconds = (1 - state.tokens) / rate;
      Nanos wait = std::chrono::ceil<Nanos>(std::chrono::duration<double>(seconds));
      return {kRefuse, RefusalKind::kRate, wait, TextOf("rate", limits)};
    }
    state.tokens -= 1;
  }
  return {room ? kAdmit : kQueue, RefusalKind::kRate, Nanos(0), {}};
}

}  // namespace nightjar::policy
