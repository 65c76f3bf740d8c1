#include "supervisor/admission/gate.h"

#include <algorithm>

namespace nightjar {
namespace {

constexpr std::chrono::seconds kIncidentWindow(1);

std::string SentenceOf(const policy::Admission& refused) {
  const policy::LimitText& limit = refused.limit;
  std::string what = "limit " + limit.name + " = " + limit.value;
  switch (refused.kind) {
    case policy::RefusalKind::kRate:
      what = "more requests than " + what + " allows";
      break;
    case policy::RefusalKind::kConcurrency:
      what = "as many run and wait already as " + what + " allows";
      break;
    case policy::RefusalKind::kSuspended:
      what = "the canvas is suspended by " + what;
      break;
    case policy::RefusalKind::kQuotaRuns:
      what = "the canvas had as many runs today (UTC) as " + what + " allows";
      break;
    case policy::RefusalKind::kQuotaCpu:
      what = "the canvas has used as much processor time today (UTC) as " + what + " allows";
      break;
    case policy::RefusalKind::kQuotaEgress:
      what = "the canvas has sent out as much today (UTC) as " + what + " allows";
      break;
    case policy::RefusalKind::kBlocked:
    case policy::RefusalKind::kPaused:
      break;  // these have sentences of their own
  }
  return what + " (" + limit.origin.source + ", " + limit.origin.layer + ")";
}

}  // namespace

std::optional<GateRefusal> Gate::Ask(const std::string& canvas, const policy::Limits& limits,
                                     size_t running, size_t queued, policy::DayUse used) {
  Canvas& known = canvases_[canvas];
  MonoTime now = clock_.Mono();
  used.runs += running + queued;
  std::optional<policy::Admission> over;
  // Suspended says more; and whoever is over a quota takes no token.
  if (!limits.suspended.value) over = policy::OverQuota(limits, used, clock_.Wall());
  policy::Admission answer =
      over ? *over : policy::Admit(known.state, limits, now, running, queued);
  if (answer.decision != policy::AdmissionDecision::kRefuse) return std::nullopt;
  GateRefusal refusal;
  refusal.kind = answer.kind;
  refusal.sentence = SentenceOf(answer);
  refusal.limit = answer.limit.name;
  auto seconds = std::chrono::ceil<std::chrono::seconds>(answer.retry_after).count();
  refusal.retry_after_s = static_cast<uint64_t>(std::max<int64_t>(seconds, 1));
  TakeIncident(canvas, &refusal);
  return refusal;
}

GateRefusal Gate::Refuse(const std::string& canvas, policy::RefusalKind kind, std::string sentence,
                         std::string limit, uint64_t retry_after_s) {
  GateRefusal refusal;
  refusal.kind = kind;
  refusal.sentence = std::move(sentence);
  refusal.limit = std::move(limit);
  refusal.retry_after_s = retry_after_s;
  TakeIncident(canvas, &refusal);
  return refusal;
}

void Gate::TakeIncident(const std::string& canvas, GateRefusal* refusal) {
  Window& window = canvases_[canvas].windows[refusal->kind];
  MonoTime now = clock_.Mono();
  if (window.incident.none() || now - window.opened >= kIncidentWindow) {
    window.opened = now;
    window.incident = RunId::New(clock_.Wall());
    refusal->opens_incident = true;
  }
  refusal->incident = window.incident;
}

}  // namespace nightjar
