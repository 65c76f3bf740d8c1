#include "supervisor/app/canvas_front.h"

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

// What the caller of a run without an answer sees: the verdict's name and the trace's id, never
// limits or program text.
http::Response KilledResponse(unsigned status, proto::Verdict verdict, const RunId& id,
                              const char* reason = nullptr) {
  http::Response response;
  response.status = status;
  response.headers.emplace_back("Content-Type", "application/json; charset=utf-8");
  response.headers.emplace_back(kTraceHeader, id.ToString());
  response.headers.emplace_back(kVerdictHeader, VerdictName(verdict));
  nlohmann::ordered_json body;
  body["error"] =
      verdict == proto::VERDICT_REFUSED ? "the request was refused" : "the run was ended";
  body["verdict"] = VerdictName(verdict);
  if (reason != nullptr) body["reason"] = reason;
  body["trace"] = id.ToString();
  response.body = body.dump() + "\n";
  return response;
}

http::Response ResponseOf(RunResult result, const std::optional<std::string>& origin) {
  bool answered =
      result.verdict == proto::VERDICT_FINISHED || result.verdict == proto::VERDICT_PROGRAM_ERROR;
  if (!answered) {
    http::Response killed = KilledResponse(result.status, result.verdict, result.id);
    // No worker was free within the limit queue_time: one may be soon.
    if (result.verdict == proto::VERDICT_REFUSED) killed.headers.emplace_back("Retry-After", "1");
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
    case policy::RefusalKind::kQuotaRuns:
      return proto::REFUSAL_QUOTA_RUNS;
    case policy::RefusalKind::kQuotaCpu:
      return proto::REFUSAL_QUOTA_CPU;
  }
  return proto::REFUSAL_UNSPECIFIED;
}

// For the caller, who is not told of limits.
const char* ReasonOf(policy::RefusalKind kind) {
  switch (kind) {
    case policy::RefusalKind::kRate:
      return "too many requests";
    case policy::RefusalKind::kConcurrency:
      return "too many run and wait already";
    case policy::RefusalKind::kSuspended:
      return "suspended";
    case policy::RefusalKind::kQuotaRuns:
    case policy::RefusalKind::kQuotaCpu:
      return "used up for today";
  }
  return "";
}

}  // namespace

CanvasFront::CanvasFront(Needs needs) : needs_(std::move(needs)) {}

std::string CanvasFront::CanvasOf(const std::string& host) const {
  std::string own = needs_.policy()->CanvasOfDomain(host);
  return own.empty() ? host.substr(0, host.find('.')) : own;
}

void CanvasFront::Handle(http::Request request, http::Responder responder) {
  std::string canvas = CanvasOf(request.host);
  RevisionPtr revision = IsCanvasName(canvas) ? needs_.book.Find(canvas) : nullptr;
  if (!revision) return responder.Send(NoCanvasAnswer());
  RouteMatch match = revision->router.Match(request.method, PathOf(request));
  if (auto answer = UnroutedAnswer(request, match, revision->manifest)) {
    if (answer->status == 404) Miss(canvas, request, match);
    return responder.Send(std::move(*answer));
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
  FillHttp(request, match, order.handler, order.message.mutable_http());
  order.body = TakeBody(&request);
  std::optional<std::string> origin;
  if (!order.handler.bytes()) origin = AllowedOrigin(request, revision->manifest);
  auto answer = std::make_shared<http::Responder>(std::move(responder));
  order.done = [answer, origin](RunResult result) {
    answer->Send(ResponseOf(std::move(result), origin));
  };
  needs_.runs.Start(std::move(order));
}

void CanvasFront::Miss(const std::string& canvas, const http::Request& request,
                       const RouteMatch& match) {
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

void CanvasFront::Refuse(const GateRefusal& refusal, const RunOrder& order,
                         http::Responder responder) {
  ++needs_.metrics.Of(order.revision->canvas).refused;
  ++needs_.metrics.host().refused;
  needs_.usage.Refused(order.revision->canvas);
  bool too_many = refusal.kind == policy::RefusalKind::kRate ||
                  refusal.kind == policy::RefusalKind::kQuotaRuns ||
                  refusal.kind == policy::RefusalKind::kQuotaCpu;
  http::Response response = KilledResponse(too_many ? 429 : 503, proto::VERDICT_REFUSED,
                                           refusal.incident, ReasonOf(refusal.kind));
  response.headers.emplace_back("Retry-After", std::to_string(refusal.retry_after_s));
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
  responder.Send(std::move(response));
}

}  // namespace nightjar
