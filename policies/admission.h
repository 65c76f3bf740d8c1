// Whether a request may come in: a token bucket, a bound on what runs at once and a bound on what
// waits. Pure.
//
// The caller keeps one AdmissionState for each canvas and passes the time in; time may stand still
// and may not run backwards (if it does, it counts as standing still). It counts nothing but
// tokens: what runs and what waits is the caller's to know.
//
// Order, the first "no" wins: suspended, then room (concurrency and queue), then rate. A request
// that is refused takes no token.
#pragma once

#include <cstdint>

#include "ipc/core/clock.h"
#include "policies/limits.h"

namespace nightjar::policy {

// All that is kept for one canvas. A new one has a full bucket.
struct AdmissionState {
  double tokens = 0;
  double burst = 0;  // the bucket's size that `tokens` was counted for
  MonoTime counted_at{};
};

enum class RefusalKind {
  kRate,         // limit `rate`
  kConcurrency,  // limits `concurrency` and `queue` are both used up
  kSuspended,    // limit `suspended`
  kBlocked,      // an operator's control, like the next; decided elsewhere
  kPaused,
  kQuotaRuns,  // the limit of that name, like the next: see quota.h
  kQuotaCpu,
  kQuotaEgress,
};

enum class AdmissionDecision { kAdmit, kQueue, kRefuse };

struct Admission {
  AdmissionDecision decision = AdmissionDecision::kAdmit;
  // The rest is for kRefuse only.
  RefusalKind kind = RefusalKind::kRate;
  Nanos retry_after{0};  // when asking again makes sense at the earliest; 0: not by waiting
  LimitText limit;       // the limit that said no
};

// How many requests a bucket holds: limit `burst`, else what the rate allows in one second; and at
// least one.
double BurstOf(const Limits& limits);

Admission Admit(AdmissionState& state, const Limits& limits, MonoTime now, uint64_t running,
                uint64_t queued);

}  // namespace nightjar::policy
