#include "supervisor/app/canvas_front.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "ipc/core/ascii.h"
#include "ipc/core/bounds.h"
#include "supervisor/app/shown_request.h"
#include "supervisor/feed/events.h"
#include "supervisor/front/answers.h"
#include "supervisor/front/http_message.h"
#include "supervisor/run/new_order.h"
#include "supervisor/run/redaction.h"
#include "supervisor/watch/incident.h"

namespace nightjar {
namespace {

constexpr std::string_view kOwnHeaders = "x-nightjar-";
constexpr const char* kTraceHeader = "x-nightjar-trace";
constexpr const char* kVerdictHeader = "x-nightjar-verdict";

// For the caller, who is not told of limits.
const char* ReasonOf(proto::RefusalKind kind) {
  switch (kind) {
    case proto::REFUSAL_RATE:
      return "too many requests";
    case proto::REFUSAL_CONCURRENCY:
      return "too many run and wait already";
    case proto::REFUSAL_QUEUE_TIME:
      return "no worker was free in time";
    case proto::REFUSAL_SUSPENDED:
      return "suspended";
    case proto::REFUSAL_CAPACITY:
      return "the host is full";
    case proto::REFUSAL_STOPPING:
      return "the host is stopping";
    case proto::REFUSAL_EXEC:
      return "programs of the host may not run here";
    case proto::REFUSAL_BLOCKED:
      return "blocked by its operator";
    case proto::REFUSAL_PAUSED:
      return "paused by its operator";
    case proto::REFUSAL_QUOTA_CPU:
    case proto::REFUSAL_QUOTA_RUNS:
    case proto::REFUSAL_QUOTA_EGRESS:
      return "used up for today";
    default:
      return "";
  }
}

unsigned StatusOf(proto::RefusalKind kind) {
  switch (kind) {
    case proto::REFUSAL_RATE:
    case proto::REFUSAL_QUOTA_CPU:
    case proto::REFUSAL_QUOTA_RUNS:
    case proto::REFUSAL_QUOTA_EGRESS:
      return 429;
    case proto::REFUSAL_BLOCKED:
      return 403;
    default:
      return 503;
  }
}

// What the caller of a run without an answer sees: the verdict's name and the trace's id, never
// limits or program text. `reason` is why it was refused; `told` an operator's words, where policy
// lets them be known.
http::Response KilledResponse(unsigned status, proto::Verdict verdict, const RunId& id,
                              const std::string& reason = "", const std::string& told = "") {
  http::Response response;
  response.status = status;
  response.headers.emplace_back("Content-Type", "application/json; charset=utf-8");
  response.headers.emplace_back(kTraceHeader, id.ToString());
  response.headers.emplace_back(kVerdictHeader, VerdictName(verdict));
  nlohmann::ordered_json body;
  body["error"] =
      verdict == proto::VERDICT_REFUSED ? "the request was refused" : "the run was ended";
  body["verdict"] = VerdictName(verdict);
  if (!reason.empty()) body["reason"] = reason;
  if (!told.empty()) body["operator"] = told;
  body["trace"] = id.ToString();
  response.body = body.dump() + "\n";
  return response;
}

// Until a control ends by itself, or a while where it does not.
uint64_t RetryAfter(const proto::Control& control, int64_t now_unix_us) {
  constexpr int64_t kSecond = 1'000'000, kWhile = 60;
  if (control.expires_unix_us() == 0) return kWhile;
  return static_cast<uint64_t>(
      std::max<int64_t>(1, (control.expires_unix_us() - now_unix_us + kSecond - 1) / kSecond));
}

http::Response ResponseOf(RunResult result, const std::optional<std::string>& origin,
                          const std::string& told) {
  bool answered =
      result.verdict == proto::VERDICT_FINISHED || result.verdict == proto::VERDICT_PROGRAM_ERROR;
  if (!answered) {
    const bool refused = result.verdict == proto::VERDICT_REFUSED;
    http::Response killed =
        KilledResponse(result.status, result.verdict, result.id,
                       refused ? ReasonOf(result.refusal) : "", refused ? told : "");
    // No worker was free within the limit queue_time: one may be soon.
    if (refused) killed.headers.emplace_back("Retry-After", "1");
    return killed;
  }
  // A canvas does not speak for the supervisor.
  std::erase_if(result.headers, [](const auto& header) {
    return EqualsNoCase(std::string_view(header.name()).substr(0, kOwnHeaders.size()), kOwnHeaders);
  });
  http::Response response =
      RunAnswer(result.status, std::move(result.headers), std::move(result.body),
                result.request_refused ? std::nullopt : origin);
  response.headers.emplace_back(kTraceHeader, result.id.ToString());
  return response;
}

proto::RefusalKind OnWire(policy::RefusalKind kind) {
  switch (kind) {
    case policy::RefusalKind::kRate:
      return proto::REFUSAL_RATE;
    case policy::RefusalKind::kConcurrency:
      return proto::REFUSAL_CONCURRENCY;
    case policy::RefusalKind::kSuspended:
      return proto::REFUSAL_SUSPENDED;
    case policy::RefusalKind::kBlocked:
      return proto::REFUSAL_BLOCKED;
    case policy::RefusalKind::kPaused:
      return proto::REFUSAL_PAUSED;
    case policy::RefusalKind::kQuotaRuns:
      return proto::REFUSAL_QUOTA_RUNS;
    case policy::RefusalKind::kQuotaCpu:
      return proto::REFUSAL_QUOTA_CPU;
    case policy::RefusalKind::kQuotaEgress:
      return proto::REFUSAL_QUOTA_EGRESS;
  }
  return proto::REFUSAL_UNSPECIFIED;
}

}  // namespace

CanvasFront::CanvasFront(Needs needs)
    : needs_(std::move(needs)), turn_(needs_.loop, [this] { SendDue(); }) {}

std::string CanvasFront::CanvasOf(const std::string& host) const {
  std::string own = needs_.policy()->CanvasOfDomain(host);
  return own.empty() ? host.substr(0, host.find('.')) : own;
}

void CanvasFront::Handle(http::Request request, http::Responder responder) {
  std::string canvas = CanvasOf(request.host);
  RevisionPtr revision = IsCanvasName(canvas) ? needs_.book.Find(canvas) : nullptr;
  if (!revision) return SendInTurn("", {NoCanvasAnswer(), std::move(responder)});
  needs_.activity.Came(canvas);
  RouteMatch match = revision->router.Match(request.method, PathOf(request));
  if (auto answer = UnroutedAnswer(request, match, revision->manifest)) {
    if (answer->status == 404) Miss(canvas, request, match);
    return SendInTurn(canvas, {std::move(*answer), std::move(responder)});
  }
  RunOrder order = NewOrder(needs_.clock, *needs_.policy(), needs_.redaction_key, revision,
                            *revision->Handler(match.tlid));
  order.caller = request.peer;
  order.request_line = ShownLine(
      request, match, [&] { return RedactionOf(order.limits, needs_.redaction_key, canvas); });
  order.received = request.received;
  RunService::Counts live = needs_.runs.CountsOf(canvas);
  if (auto refusal = needs_.gate.Ask(canvas, order.limits, live.running, live.queued,
                                     needs_.usage.UsedToday(canvas)))
    return Refuse(*refusal, order, std::move(responder));
  if (!PassControls(&order, live.queued, &responder)) return;
  FillHttp(request, match, order.handler, order.message.mutable_http());
  order.body = TakeBody(&request);
  std::optional<std::string> origin;
  if (!order.handler.bytes()) origin = AllowedOrigin(request, revision->manifest);
  auto answer = std::make_shared<http::Responder>(std::move(responder));
  const std::string told = order.limits.show_controls.value ? order.paused_by : std::string();
  order.done = [answer, origin, told](RunResult result) {
    answer->Send(ResponseOf(std::move(result), origin, told));
  };
  needs_.runs.Start(std::move(order));
}

void CanvasFront::Miss(const std::string& canvas, const http::Request& request,
                       const RouteMatch& match) {
  needs_.activity.Missed(canvas, PathOf(request));
  const std::string request_line = ShownLine(request, match, [&] {
    return RedactionOf(needs_.policy()->For(canvas, ""), needs_.redaction_key, canvas);
  });
  if (needs_.feed.Wants()) needs_.feed.Publish(NotFoundEvent(canvas, request_line));
  const int64_t now = UnixMicros(needs_.clock.Wall());
  proto::MissedRoute missed;
  missed.set_canvas(canvas);
  missed.set_method(request.method);
  missed.set_path(std::string(PathOf(request)));
  missed.set_count(1);
  missed.set_first_unix_us(now);
  missed.set_last_unix_us(now);
  missed.set_request_line(request_line);
  missed.set_caller(request.peer);
  if (request.body.size() <= bounds::kMissedRequestBytes &&
      needs_.missed.WantsRequest(canvas, missed.method(), missed.path())) {
    RequestRedactor redactor{RedactionRules(
        RedactionOf(needs_.policy()->For(canvas, ""), needs_.redaction_key, canvas))};
    *missed.mutable_request() = ShownHttp(request, redactor);
  }
  needs_.missed.Add(std::move(missed));
}

bool CanvasFront::PassControls(RunOrder* order, size_t queued, http::Responder* responder) {
  const std::string& canvas = order->revision->canvas;
  const proto::Control* control = needs_.controls.Holding(canvas, order->handler);
  if (control == nullptr) return true;
  const bool blocks = control->kind() == proto::CONTROL_BLOCK;
  const std::string sentence =
      std::string(blocks ? "blocked by " : "paused by ") + ControlText(*control);
  if (!blocks && queued < order->limits.queue.value) {
    order->paused_by = sentence;
    return true;
  }
  const uint64_t after = RetryAfter(*control, UnixMicros(needs_.clock.Wall()));
  GateRefusal refusal =
      blocks ? needs_.gate.Refuse(canvas, policy::RefusalKind::kBlocked, sentence, "", after)
             : needs_.gate.Refuse(canvas, policy::RefusalKind::kPaused,
                                  sentence + "; as many wait already as limit queue allows",
                                  "queue", after);
  Refuse(refusal, *order, std::move(*responder));
  return false;
}

void CanvasFront::Refuse(const GateRefusal& refusal, const RunOrder& order,
                         http::Responder responder) {
  ++needs_.metrics.Of(order.revision->canvas).refused;
  ++needs_.metrics.host().refused;
  needs_.usage.Refused(order.revision->canvas);
  const proto::RefusalKind kind = OnWire(refusal.kind);
  needs_.activity.Refused(order.revision->canvas, kind);
  const proto::Control* suspension = kind == proto::REFUSAL_SUSPENDED
                                         ? needs_.controls.Suspension(order.revision->canvas)
                                         : nullptr;
  const bool controlled =
      suspension != nullptr || kind == proto::REFUSAL_BLOCKED || kind == proto::REFUSAL_PAUSED;
  const char* reason = suspension != nullptr ? "suspended by its operator" : ReasonOf(kind);
  const bool tells = controlled && order.limits.show_controls.value;
  http::Response response = KilledResponse(StatusOf(kind), proto::VERDICT_REFUSED, refusal.incident,
                                           reason, tells ? refusal.sentence : std::string());
  uint64_t after = refusal.retry_after_s;
  if (suspension != nullptr) after = RetryAfter(*suspension, UnixMicros(needs_.clock.Wall()));
  // Whoever is blocked need not ask again.
  if (kind != proto::REFUSAL_BLOCKED)
    response.headers.emplace_back("Retry-After", std::to_string(after));
  if (refusal.opens_incident) {
    IncidentFacts facts;
    facts.run = refusal.incident;
    facts.canvas = order.revision->canvas;
    facts.handler = order.handler.name();
    facts.revision = order.revision->number;
    facts.request_line = order.request_line;
    facts.caller = order.caller;
    facts.at_unix_us = UnixMicros(order.received_wall);
    facts.verdict = {proto::VERDICT_REFUSED, refusal.sentence, refusal.limit};
    facts.limits = &order.limits;
    facts.refusal.emplace().set_kind(OnWire(refusal.kind));
    proto::RunEnded ended;
    ended.set_run_id(std::string(refusal.incident.bytes()));
    ended.set_verdict(proto::VERDICT_REFUSED);
    ended.set_detail(refusal.sentence);
    ended.set_http_status(response.status);
    *ended.mutable_incident() = MakeIncident(facts);
    needs_.journal.RunEnded(std::move(ended));
  }
  SendInTurn(order.revision->canvas, {std::move(response), std::move(responder)});
}

void CanvasFront::SendInTurn(const std::string& canvas, Refusal refusal) {
  const MonoTime now = needs_.clock.Mono();
  const MonoTime turn = pace_.TakeTurn(canvas, now);
  if (turn <= now) return refusal.responder.Send(std::move(refusal.response));
  held_.emplace(turn, std::move(refusal));
  turn_.StartAt(held_.begin()->first);
}

void CanvasFront::SendDue() {
  const MonoTime now = needs_.clock.Mono();
  // What is sent lets the next request of its connection in, which may be held in its turn.
  while (!held_.empty() && held_.begin()->first <= now) {
    Refusal due = std::move(held_.extract(held_.begin()).mapped());
    due.responder.Send(std::move(due.response));
  }
  if (!held_.empty()) turn_.StartAt(held_.begin()->first);
}

}  // namespace nightjar
