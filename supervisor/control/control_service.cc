#include "supervisor/control/control_service.h"

#include <google/protobuf/util/json_util.h>

#include <charconv>
#include <set>
#include <sstream>

#include "ipc/core/ascii.h"
#include "ipc/core/bounds.h"
#include "ipc/core/log.h"
#include "ipc/core/utf8.h"
#include "policies/tighten.h"
#include "policies/urgent.h"
#include "supervisor/control/byte_range.h"
#include "supervisor/control/moment.h"
#include "supervisor/control/url.h"
#include "supervisor/feed/events.h"
#include "supervisor/metrics/prometheus_text.h"
#include "supervisor/policy/limits_on_wire.h"
#include "supervisor/run/new_order.h"
#include "supervisor/watch/incident.h"

namespace nightjar {

// One request on its way to an answer.
struct ControlService::Call {
  http::Request request;
  ControlUrl url;
  std::shared_ptr<http::Responder> responder;
  AuditTrail* trail = nullptr;
  std::shared_ptr<proto::AuditEntry> audit = {};  // of what acts; null: it only looks

  void Answer(const google::protobuf::Message& message, unsigned status = 200) const {
    google::protobuf::util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    options.always_print_primitive_fields = true;
    std::string json;
    if (google::protobuf::util::MessageToJsonString(message, &json, options).ok())
      return Answer(std::move(json), status);
    Answer(std::string("{\"error\":\"the answer cannot be written as JSON\"}"), 500);
  }

  void Answer(std::string json, unsigned status = 200) const {
    Answer("application/json", std::move(json) + '\n', status);
  }

  void Answer(const char* type, std::string body, unsigned status) const {
    http::Response response;
    response.status = status;
    response.headers.emplace_back("Content-Type", type);
    response.body = std::move(body);
    if (!audit) return responder->Send(std::move(response));
    audit->set_status(status);
    if (audit->outcome().empty()) audit->set_outcome("done");
    trail->Note(std::move(*audit), [answer = responder, response](bool written) mutable {
      if (!written) response.headers.emplace_back("X-Nightjar-Audit", "not written yet");
      answer->Send(std::move(response));
    });
  }

  void Fail(unsigned status, const std::string& error, std::string_view code = {}) const {
    if (audit) audit->set_outcome(error);
    proto::ControlError answer;
    answer.set_error(error);
    answer.set_code(std::string(code));
    Answer(answer, status);
  }

  static unsigned StatusOf(ErrorCode code) {
    switch (code) {
      case ErrorCode::kNotFound:
        return 404;
      case ErrorCode::kExpired:
      case ErrorCode::kDeleted:
      case ErrorCode::kNotKept:
        return 410;
      case ErrorCode::kExists:
        return 409;
      case ErrorCode::kInvalid:
        return 422;
      case ErrorCode::kExhausted:
      case ErrorCode::kUnavailable:
        return 503;
      case ErrorCode::kTimedOut:
        return 504;
      default:
        return 500;
    }
  }

  void Fail(const Error& error) const {
    Fail(StatusOf(error.code), error.ToString(), ErrorCodeName(error.code));
  }

  void Fail(DeployFailure failure) const {
    if (failure.diagnostics.empty()) return Fail(failure.error);
    if (audit) audit->set_outcome(failure.error.ToString());
    proto::ControlError answer;
    answer.set_error(failure.error.ToString());
    for (proto::Diagnostic& diagnostic : failure.diagnostics)
      *answer.add_diagnostics() = std::move(diagnostic);
    Answer(answer, 422);
  }

  std::string Query(const std::string& key) const {
    auto at = url.query.find(key);
    return at == url.query.end() ? "" : at->second;
  }

  std::string Header(std::string_view name) const {
    for (const auto& [known, value] : request.headers)
      if (EqualsNoCase(known, name)) return value;
    return "";
  }

  // ?n=, within bounds; 0 stands for a value that is no number.
  uint32_t Rows(uint32_t normal) const {
    std::string text = Query("n");
    if (text.empty()) return normal;
    uint32_t rows = 0;
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), rows);
    if (failed != std::errc() || end != text.data() + text.size()) return 0;
    return std::min<uint32_t>(rows, bounds::kListRows);
  }
};

namespace {

uint64_t Microseconds(Nanos duration) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

const char* StateName(Run::State state) {
  switch (state) {
    case Run::State::kQueued:
      return "queued";
    case Run::State::kRunning:
      return "running";
    case Run::State::kKilling:
      return "killing";
    case Run::State::kEnded:
      return "ended";
  }
  return "";
}

proto::RunRow RowOf(const Run& run) {
  proto::RunRow row;
  const RunOrder& order = run.order();
  row.set_run_id(order.id.ToString());
  row.set_canvas(order.revision->canvas);
  row.set_handler(order.handler.name());
  row.set_pid(run.pid());
  row.set_state(StateName(run.state()));
  proto::Usage usage = run.CurrentUsage();
  row.set_wall_us(usage.wall_us());
  row.set_cpu_us(usage.cpu_us());
  row.set_memory_bytes(usage.memory_peak_bytes());
  row.set_wall_limit_us(Microseconds(order.limits.wall.value));
  return row;
}

constexpr uint64_t kControlSecondsMax = 366 * 24 * 3600;

bool IsText(const std::string& text, size_t bytes_max) {
  return text.size() <= bytes_max && Utf8PrefixSize(text, text.size()) == text.size();
}

// Why the text is no reason; empty: it is one.
std::string WrongReason(const std::string& reason) {
  if (reason.empty()) return "a reason is needed, for who asks later";
  if (!IsText(reason, bounds::kHoldReasonBytes))
    return "a reason is text of at most " + std::to_string(bounds::kHoldReasonBytes) + " bytes";
  return "";
}

// "root", or "uid 0 pid 4711" where that user has no name.
std::string NameOf(const http::Request& request) {
  return StarterName().empty() ? request.peer : StarterName();
}

bool CallerMatches(const std::string& caller, const std::string& wanted) {
  return wanted.empty() || caller == wanted ||
         (caller.starts_with(wanted) && caller.rfind(':') == wanted.size()) ||
         (caller.starts_with("uid ") && caller.starts_with(wanted + " "));
}

// What is wrong with an order, given what the canvas is; empty: nothing.
std::string WrongOrder(const proto::ControlOrder& order, const Revision& revision,
                       const policy::Limits& in_force) {
  const bool narrow = !order.handler().empty() || !order.handler_kind().empty();
  if (order.kind() == proto::CONTROL_UNSPECIFIED || !proto::ControlKind_IsValid(order.kind()))
    return "kind is CONTROL_SUSPEND, CONTROL_PAUSE, CONTROL_BLOCK or CONTROL_TIGHTEN";
  if (std::string wrong = WrongReason(order.reason()); !wrong.empty()) return wrong;
  if (order.for_s() > kControlSecondsMax) return "a control ends after a year at most";
  if (order.kind() == proto::CONTROL_SUSPEND && narrow)
    return "a canvas is suspended as a whole; pause or block a handler";
  if (order.kind() != proto::CONTROL_SUSPEND && order.kill())
    return "kill is for CONTROL_SUSPEND; DELETE /runs ends what matches otherwise";
  if (!order.handler().empty() && !order.handler_kind().empty())
    return "a handler or a kind of handlers, not both";
  if (!order.handler().empty() && revision.HandlerNamed(order.handler()) == nullptr)
    return "canvas " + revision.canvas + " has no handler named `" + order.handler() + "`";
  if (!order.handler_kind().empty() && order.handler_kind() != "http" &&
      order.handler_kind() != "exec")
    return "the kinds of handlers that run are http and exec, not `" + order.handler_kind() + "`";
  if (order.kind() != proto::CONTROL_TIGHTEN)
    return order.limit().empty() && order.value().empty() && !order.urgent()
               ? ""
               : "limit, value and urgent are for CONTROL_TIGHTEN";
  if (!order.handler_kind().empty()) return "a limit is tightened for a handler or a canvas";
  const policy::LimitKey* key = policy::FindLimitKey(order.limit());
  if (key == nullptr) return "there is no limit `" + order.limit() + "`";
  if (!order.handler().empty() && key->scope == policy::LimitScope::kCanvas)
    return "`" + order.limit() + "` is a limit of a whole canvas; a handler cannot have its own";
  const auto urgent = policy::UrgentNames();
  if (order.urgent() && std::count(urgent.begin(), urgent.end(), order.limit()) == 0)
    return "of runs in flight only `wall`, `cpu` and `output` can be tightened; kill them, or leave "
           "urgent";
  auto value = policy::ReadTighter(*key, order.value(), in_force);
  return value ? "" : value.error();
}

const char* ControlAction(proto::ControlKind kind) {
  switch (kind) {
    case proto::CONTROL_SUSPEND:
      return "suspend";
    case proto::CONTROL_PAUSE:
      return "pause";
    case proto::CONTROL_BLOCK:
      return "block";
    case proto::CONTROL_TIGHTEN:
      return "tighten";
    default:
      return "control";
  }
}

// A whole decimal number above 0.
std::optional<uint64_t> PositiveNumber(std::string_view text) {
  uint64_t number = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size() || number == 0) return std::nullopt;
  return number;
}

std::string NotAMoment(const std::string& name, const std::string& text) {
  return name +
         " is a time (UTC) like 2026-11-24, 2026-11-24T17:27 or 2026-11-24T17:27:25Z, or how long "
         "ago, like 90s, 15m, 2h or 3d; not " +
         text;
}

// "17:9f86..." into the link's number and its hash.
bool ReadChainHead(const std::string& text, proto::VerifyIncidents* question) {
  size_t colon = text.find(':');
  if (colon == std::string::npos || colon + 1 == text.size()) return false;
  auto link = PositiveNumber(std::string_view(text).substr(0, colon));
  if (!link) return false;
  question->set_head(*link);
  question->set_head_hash(text.substr(colon + 1));
  return true;
}

// "wall_time" or "VERDICT_WALL_TIME"; UNSPECIFIED means any.
std::optional<proto::Verdict> VerdictNamed(std::string name) {
  if (name.empty()) return proto::VERDICT_UNSPECIFIED;
  for (char& c : name) c = static_cast<char>(toupper(static_cast<unsigned char>(c)));
  if (name.rfind("VERDICT_", 0) != 0) name = "VERDICT_" + name;
  proto::Verdict verdict;
  if (!proto::Verdict_Parse(name, &verdict)) return std::nullopt;
  return verdict;
}

proto::RunAnswer AnswerOf(RunResult result) {
  proto::RunAnswer answer;
  answer.set_run_id(result.id.ToString());
  answer.set_verdict(result.verdict);
  answer.set_detail(result.detail);
  answer.set_status(result.status);
  for (proto::Header& header : result.headers) *answer.add_headers() = std::move(header);
  answer.set_body(std::move(result.body));
  *answer.mutable_usage() = std::move(result.usage);
  return answer;
}

// What of a query an entry of the audit log may show: nothing that is a client's own.
constexpr const char* kShownParameters[] = {"file",   "upload",    "revision", "live",
                                            "method", "route",     "canvas",   "handler",
                                            "caller", "code_hash", "dry_run",  "verdict"};

std::string ActionOf(const std::string& method, const std::vector<std::string>& path) {
  const size_t size = path.size();
  const std::string room = size > 0 ? path[0] : "", part = size > 2 ? path[2] : "";
  if (room == "runs") return size == 1 ? "kill_all" : "kill";
  if (room == "controls") return method == "DELETE" ? "lift" : "control";
  if (room == "canvases" && size == 2 && method == "PUT") return "deploy";
  if (part == "run") return "run";
  if (part == "404s") return "handler-from-404";
  if (part == "holds") return method == "DELETE" ? "release" : "hold";
  if (part == "traces" && method == "DELETE") return "delete-trace";
  if (part == "traces" && size == 3) return "import-traces";
  if (part == "traces") return size == 6 ? "run-function" : "rerun";
  return method == "GET" ? "look" : "unknown";
}

// Whose body is the reason, and nothing else.
bool BodyIsReason(const std::string& action) {
  return action == "kill" || action == "kill_all" || action == "lift" || action == "hold" ||
         action == "delete-trace";
}

proto::AuditEntry EntryOf(const http::Request& request, const ControlUrl& url) {
  proto::AuditEntry entry;
  entry.set_actor(request.peer);
  if (request.peer_uid == 0) entry.set_user(StarterName());
  entry.set_action(ActionOf(request.method, url.path));
  if (url.path.size() > 1 && url.path[0] == "canvases") entry.set_canvas(url.path[1]);
  if (url.path.size() == 2 && url.path[0] != "canvases") entry.set_object(url.path[1]);
  if (url.path.size() > 3) entry.set_object(url.path[3]);
  if (entry.action() == "unknown" || entry.action() == "look")
    entry.set_object(request.method + " " + request.target.substr(0, request.target.find('?')));
  if (BodyIsReason(entry.action())) entry.set_reason(request.body);
  for (const char* name : kShownParameters) {
    auto at = url.query.find(name);
    if (at == url.query.end()) continue;
    proto::AuditParameter& parameter = *entry.add_parameters();
    parameter.set_name(name);
    parameter.set_value(at->second);
  }
  return entry;
}

constexpr size_t kFunctionNameBytes = 256;

// What is to become of a trace, why (the request's body) and who says so. Empty: it is read.
template <typename Order>
std::string ReadOrder(const http::Request& request, const std::string& canvas,
                      const std::string& run, const std::string& what, Order* order) {
  auto id = RunId::Parse(run);
  if (!id) return "this is not a trace id: " + run;
  if (request.body.empty()) return what + " has a reason: send it as the body";
  if (!IsText(request.body, bounds::kHoldReasonBytes))
    return what + "'s reason is text of at most " + std::to_string(bounds::kHoldReasonBytes) +
           " bytes";
  order->set_canvas(canvas);
  order->set_run_id(std::string(id->bytes()));
  order->set_reason(request.body);
  order->set_by(request.peer);
  return "";
}

constexpr const char* kTraceType = "application/vnd.nightjar.trace";

// The bytes that were asked for, or where they are to be had.
http::Response ObjectResponse(proto::StoredObject object, bool part) {
  http::Response response;
  if (!object.url().empty()) {
    response.status = 307;
    response.headers.emplace_back("Location", object.url());
    response.headers.emplace_back("Cache-Control", "no-store");
    return response;
  }
  const std::string size = std::to_string(object.size());
  response.headers.emplace_back("Accept-Ranges", "bytes");
  if (part && object.content().empty()) {
    response.status = 416;
    response.headers.emplace_back("Content-Range", "bytes */" + size);
    return response;
  }
  response.status = part ? 206 : 200;
  response.headers.emplace_back("Content-Type", kTraceType);
  if (part)
    response.headers.emplace_back(
        "Content-Range", "bytes " + std::to_string(object.first()) + "-" +
                             std::to_string(object.first() + object.content().size() - 1) + "/" +
                             size);
  response.body = std::move(*object.mutable_content());
  return response;
}

}  // namespace

ControlService::ControlService(Needs needs) : needs_(std::move(needs)) {}

void ControlService::Handle(http::Request request, http::Responder responder) {
  Call call{std::move(request),
            {},
            std::make_shared<http::Responder>(std::move(responder)),
            &needs_.audit};
  auto url = ParseControlUrl(call.request.target);
  if (url) call.url = std::move(*url);
  // What is turned away is told of too, whatever it wanted.
  if (call.request.method != "GET" || call.request.peer_uid != 0)
    call.audit = std::make_shared<proto::AuditEntry>(EntryOf(call.request, call.url));
  // The socket's mode says the same; this holds even when somebody changes the mode. 0 is whoever
  // started it: root, or the user of its user namespace.
  if (call.request.peer_uid != 0)
    return call.Fail(403, "only who started the supervisor may speak here");
  if (!url) return call.Fail(400, "this is not a path: " + call.request.target);
  Route(std::move(call));
}

void ControlService::Route(Call call) {
  const std::vector<std::string> path = call.url.path;
  const std::string method = call.request.method;
  auto is = [&](const char* wanted, size_t length, const char* first) {
    return method == wanted && path.size() == length && path[0] == first;
  };
  if (is("GET", 1, "canvases")) return Canvases(std::move(call));
  if (is("PUT", 2, "canvases")) return Deploy(std::move(call), path[1]);
  if (is("POST", 4, "canvases") && path[2] == "run")
    return RunOnce(std::move(call), path[1], path[3]);
  if (is("GET", 3, "canvases") && path[2] == "traces") return ListTraces(std::move(call), path[1]);
  if (is("GET", 3, "canvases") && path[2] == "404s") return ListMissed(std::move(call), path[1]);
  if (is("POST", 4, "canvases") && path[2] == "404s" && path[3] == "handler")
    return HandleMissed(std::move(call), path[1]);
  if (is("GET", 4, "canvases") && path[2] == "traces")
    return GetTrace(std::move(call), path[1], path[3]);
  if (is("DELETE", 4, "canvases") && path[2] == "traces")
    return DeleteTrace(std::move(call), path[1], path[3]);
  if (is("POST", 3, "canvases") && path[2] == "traces")
    return ImportTrace(std::move(call), path[1]);
  if (is("POST", 5, "canvases") && path[2] == "traces" && path[4] == "rerun")
    return Rerun(std::move(call), path[1], path[3]);
  if (is("POST", 6, "canvases") && path[2] == "traces" && path[4] == "functions")
    return RunFunction(std::move(call), path[1], path[3], path[5]);
  if (is("PUT", 4, "canvases") && path[2] == "holds")
    return HoldTrace(std::move(call), path[1], path[3]);
  if (is("DELETE", 4, "canvases") && path[2] == "holds")
    return ReleaseTrace(std::move(call), path[1], path[3]);
  if (is("GET", 1, "holds")) return ListHolds(std::move(call));
  if (is("GET", 3, "canvases") && path[2] == "limits") return Limits(std::move(call), path[1]);
  if (is("GET", 1, "runs")) return Runs(std::move(call));
  if (is("DELETE", 2, "runs")) return KillRun(std::move(call), path[1]);
  if (is("DELETE", 1, "runs")) return KillAll(std::move(call));
  if (is("POST", 1, "controls")) return MakeControl(std::move(call));
  if (is("GET", 1, "controls")) return ListControls(std::move(call));
  if (is("DELETE", 2, "controls")) return LiftControl(std::move(call), path[1]);
  if (is("GET", 1, "audit")) return ListAudit(std::move(call));
  if (is("GET", 2, "audit") && path[1] == "verify") return VerifyAudit(std::move(call));
  if (is("GET", 1, "incidents")) return ListIncidents(std::move(call));
  if (is("GET", 2, "incidents") && path[1] == "verify") return VerifyIncidents(std::move(call));
  if (is("GET", 2, "incidents")) return GetIncident(std::move(call), path[1]);
  if (is("GET", 1, "events")) return Events(std::move(call));
  if (is("GET", 1, "usage")) return Usage(std::move(call));
  if (is("GET", 1, "metrics")) return GetMetrics(std::move(call));
  if (is("GET", 1, "doctor")) return call.Answer(needs_.doctor);
  call.Fail(404, "there is no " + method + " " + call.request.target + " on the control plane");
}

void ControlService::Deploy(Call call, const std::string& canvas) {
  if (!IsCanvasName(canvas))
    return call.Fail(422,
                     "a canvas is named with 1 to 63 of a-z, 0-9, '-' and '_', and starts with a "
                     "letter or digit");
  DeployText text;
  text.upload = !call.Query("upload").empty();
  size_t bytes_max = text.upload ? bounds::kUploadBytes : bounds::kSourceBytes;
  if (call.request.body.size() > bytes_max)
    return call.Fail(413, std::string(text.upload ? "an upload" : "a canvas file") +
                              " is at most " + std::to_string(bytes_max) + " bytes");
  text.file_name = call.Query("file");
  if (text.file_name.empty()) text.file_name = canvas + ".dark";
  text.text = std::move(call.request.body);
  std::string by = call.request.peer;
  needs_.deployer.Deploy(canvas, std::move(text), by, [this, call, by](auto result) {
    if (result) {
      call.audit->set_outcome("revision " + std::to_string(result->revision()));
      if (needs_.feed.Wants()) needs_.feed.Publish(DeployEvent(*result, by));
      return call.Answer(*result);
    }
    call.Fail(std::move(result.error()));
  });
}

void ControlService::RunOnce(Call call, const std::string& canvas, const std::string& handler) {
  RevisionPtr revision = needs_.book.Find(canvas);
  if (!revision) return call.Fail(404, "there is no canvas " + canvas);
  const proto::HandlerEntry* entry = revision->HandlerNamed(handler);
  if (entry == nullptr)
    return call.Fail(404, "canvas " + canvas + " has no handler named `" + handler + "`");
  RunOrder order = NewOrder(needs_.clock, *needs_.policy(), needs_.redaction_key, revision, *entry);
  order.caller = call.request.peer;
  order.request_line = "run " + entry->name();
  order.wanted_by = WantedBy::kOperator;
  order.received = call.request.received;
  if (entry->kind() == proto::HANDLER_KIND_HTTP) {
    proto::HttpRequest& http = *order.message.mutable_http();
    http.set_method(entry->method());
    http.set_path(entry->route());
    http.set_url("http://" + canvas + entry->route());
    order.body = std::move(call.request.body);
  } else {
    if (call.request.body.size() > bounds::kInlineBodyBytes)
      return call.Fail(
          413, "an event is at most " + std::to_string(bounds::kInlineBodyBytes) + " bytes");
    order.message.set_json(call.request.body.empty() ? "null" : call.request.body);
  }
  order.done = [call](RunResult result) { call.Answer(AnswerOf(std::move(result))); };
  needs_.runs.Start(std::move(order));
}

void ControlService::Canvases(Call call) {
  proto::CanvasList list;
  for (const auto& [name, revision] : needs_.book.all()) {
    proto::CanvasRow& row = *list.add_canvases();
    row.set_canvas(name);
    row.set_revision(revision->number);
    row.set_handlers(static_cast<uint32_t>(revision->manifest.handlers_size()));
    row.set_deployed_unix_ms(revision->deployed_unix_ms);
    row.set_armed(static_cast<uint32_t>(needs_.pool.CountsOf(name).armed));
    RunService::Counts live = needs_.runs.CountsOf(name);
    row.set_running(static_cast<uint32_t>(live.running));
    row.set_queued(static_cast<uint32_t>(live.queued));
    const CanvasCounts& counts = needs_.metrics.Of(name);
    row.set_requests(counts.requests);
    row.set_refused(counts.refused);
    row.set_killed(counts.killed);
    row.set_latency_p50_us(counts.latency.Quantile(0.5));
    row.set_latency_p99_us(counts.latency.Quantile(0.99));
    row.set_cpu_us(counts.cpu_us);
    if (auto usage = needs_.cells.CanvasUsage(name)) row.set_memory_bytes(usage->memory_bytes);
  }
  call.Answer(list);
}

void ControlService::Runs(Call call) {
  proto::RunList list;
  for (const Run* run : needs_.runs.Live()) *list.add_runs() = RowOf(*run);
  call.Answer(list);
}

void ControlService::KillRun(Call call, const std::string& text) {
  auto id = RunId::Parse(text);
  if (!id) return call.Fail(400, "this is not a run id: " + text);
  const std::string& reason = call.request.body;
  if (std::string wrong = WrongReason(reason); !reason.empty() && !wrong.empty())
    return call.Fail(400, wrong);
  MonoTime asked = needs_.clock.Mono();
  const Clock& clock = needs_.clock;
  const std::string by = call.request.peer + (reason.empty() ? "" : ": " + reason);
  Status found = needs_.runs.Kill(*id, by, [call, asked, &clock](const RunResult& result) {
    proto::KillAnswer answer;
    answer.set_run_id(result.id.ToString());
    answer.set_verdict(result.verdict);
    answer.set_took_us(Microseconds(clock.Mono() - asked));
    call.Answer(answer);
  });
  if (!found) call.Fail(found.error());
}

struct ControlService::RunFilter {
  std::string canvas, handler, caller;
  std::optional<std::set<std::pair<std::string, RevisionNumber>>> revisions;  // of a code's hash

  bool Matches(const RunOrder& order) const {
    return (canvas.empty() || order.revision->canvas == canvas) &&
           (handler.empty() || order.handler.name() == handler) &&
           CallerMatches(order.caller, caller) &&
           (!revisions || revisions->contains({order.revision->canvas, order.revision->number}));
  }
};

void ControlService::KillAll(Call call) {
  if (std::string wrong = WrongReason(call.request.body); !wrong.empty())
    return call.Fail(400, wrong);
  RunFilter filter{call.Query("canvas"), call.Query("handler"), call.Query("caller"), {}};
  const std::string hash = call.Query("code_hash");
  if (hash.empty()) return KillMatching(std::move(call), filter);
  // Which revisions that is the storage writer knows.
  proto::ToWriter question;
  question.mutable_find_code()->set_code_sha256(hash);
  std::set<std::pair<std::string, RevisionNumber>> live;
  for (const Run* run : needs_.runs.Live())
    live.emplace(run->order().revision->canvas, run->order().revision->number);
  for (const auto& [canvas, number] : live) {
    proto::RevisionName& name = *question.mutable_find_code()->add_revisions();
    name.set_canvas(canvas);
    name.set_revision(number);
  }
  needs_.journal.Ask(std::move(question),
                     [this, call, filter](Result<proto::FromWriter> answer) mutable {
                       if (!answer) return call.Fail(answer.error());
                       filter.revisions.emplace();
                       for (const proto::RevisionName& name : answer->code_found().revisions())
                         filter.revisions->emplace(name.canvas(), name.revision());
                       KillMatching(call, filter);
                     });
}

void ControlService::KillMatching(Call call, const RunFilter& filter) {
  auto answer = std::make_shared<proto::KillAllAnswer>();
  auto which = [&filter](const Run& run) { return filter.Matches(run.order()); };
  for (const Run* run : needs_.runs.Live())
    if (which(*run)) *answer->add_runs() = RowOf(*run);
  answer->set_dry_run(!call.Query("dry_run").empty());
  call.audit->set_outcome((answer->dry_run() ? "would kill " : "killed ") +
                          std::to_string(answer->runs_size()) + " runs");
  if (answer->dry_run()) return call.Answer(*answer);
  const MonoTime asked = needs_.clock.Mono();
  const Clock& clock = needs_.clock;
  needs_.runs.KillAll(which,
                      "killed by an operator (" + call.request.peer + "): " + call.request.body,
                      [call, answer, asked, &clock] {
                        answer->set_took_us(Microseconds(clock.Mono() - asked));
                        call.Answer(*answer);
                      });
}

void ControlService::MakeControl(Call call) {
  proto::ControlOrder order;
  if (!google::protobuf::util::JsonStringToMessage(call.request.body, &order).ok())
    return call.Fail(400, "a control is ordered by a ControlOrder in JSON");
  proto::AuditEntry& entry = *call.audit;
  entry.set_action(ControlAction(order.kind()));
  entry.set_canvas(order.canvas());
  entry.set_reason(order.reason());
  auto say = [&entry](const char* name, const std::string& value) {
    if (value.empty()) return;
    proto::AuditParameter& parameter = *entry.add_parameters();
    parameter.set_name(name);
    parameter.set_value(value);
  };
  say("handler", order.handler());
  say("handler_kind", order.handler_kind());
  say("limit", order.limit());
  say("value", order.value());
  say("for_s", order.for_s() > 0 ? std::to_string(order.for_s()) : "");
  say("urgent", order.urgent() ? "true" : "");
  say("kill", order.kill() ? "true" : "");
  RevisionPtr revision = needs_.book.Find(order.canvas());
  if (!revision) return call.Fail(404, "there is no canvas " + order.canvas());
  std::string wrong =
      WrongOrder(order, *revision, needs_.policy()->For(order.canvas(), order.handler()));
  if (!wrong.empty()) return call.Fail(422, wrong);
  proto::Control control;
  control.set_kind(order.kind());
  control.set_canvas(order.canvas());
  control.set_handler(order.handler());
  control.set_handler_kind(order.handler_kind());
  control.set_limit(order.limit());
  control.set_value(order.value());
  control.set_reason(order.reason());
  control.set_by(NameOf(call.request));
  if (order.for_s() > 0)
    control.set_expires_unix_us(UnixMicros(needs_.clock.Wall()) +
                                static_cast<int64_t>(order.for_s()) * 1'000'000);
  // Answered when it is kept, or cannot be, and when the last run that it kills has ended.
  auto answer = std::make_shared<proto::ControlAnswer>();
  auto left = std::make_shared<int>(2);
  const MonoTime asked = needs_.clock.Mono();
  const Clock& clock = needs_.clock;
  auto done = [call, answer, left, asked, &clock] {
    if (--*left > 0) return;
    answer->set_took_us(Microseconds(clock.Mono() - asked));
    call.audit->set_object(std::to_string(answer->control().id()));
    call.Answer(*answer);
  };
  auto made = needs_.controls.Make(std::move(control), [answer, done](bool kept) {
    answer->set_stored(kept);
    done();
  });
  if (!made) return call.Fail(made.error());
  *answer->mutable_control() = *made;
  LogWarning("control_made", {{"control", made->id()},
                              {"what", ControlAction(made->kind())},
                              {"canvas", made->canvas()},
                              {"by", call.request.peer},
                              {"reason", made->reason()}});
  TakeEffect(order, *made, answer.get(), done);
}

// On runs in flight. `done` is called once, when those that are killed have ended.
void ControlService::TakeEffect(const proto::ControlOrder& order, const proto::Control& control,
                                proto::ControlAnswer* answer, const std::function<void()>& done) {
  auto of_concern = [&control](const RunOrder& its) {
    return its.revision->canvas == control.canvas() &&
           (control.handler().empty() || control.handler() == its.handler.name()) &&
           (control.handler_kind().empty() || control.handler_kind() == HandlerKindOf(its.handler));
  };
  auto concerned = [&of_concern](const Run& run) { return of_concern(run.order()); };
  if (order.urgent())
    needs_.runs.Tighten([&](const RunOrder& its) {
      if (!of_concern(its)) return its.limits;
      policy::Limits limits = needs_.policy()->For(its.revision->canvas, its.handler.name());
      limits.urgent.value = {control.limit()};
      return limits;
    });
  if (order.kill()) {
    uint32_t runs = 0;
    for (const Run* run : needs_.runs.Live()) runs += concerned(*run) ? 1 : 0;
    answer->set_killed(runs);
    needs_.runs.KillAll(concerned, "killed by an operator; " + ControlText(control), done);
    return;
  }
  for (const Run* run : needs_.runs.Live())
    if (concerned(*run)) answer->set_going_on(answer->going_on() + 1);
  done();
}

void ControlService::LiftControl(Call call, const std::string& text) {
  auto id = PositiveNumber(text);
  if (!id) return call.Fail(400, "a control's id is a number, not " + text);
  if (std::string wrong = WrongReason(call.request.body); !wrong.empty())
    return call.Fail(400, wrong);
  auto answer = std::make_shared<proto::ControlAnswer>();
  if (const proto::Control* there = needs_.controls.book().Find(*id)) {
    *answer->mutable_control() = *there;
    call.audit->set_canvas(there->canvas());
  }
  auto lifted = needs_.controls.Lift(*id, [call, answer](bool kept) {
    answer->set_stored(kept);
    call.Answer(*answer);
  });
  if (!lifted) return call.Fail(lifted.error());
  LogWarning("control_lifted", {{"control", *id},
                                {"canvas", lifted->canvas()},
                                {"by", call.request.peer},
                                {"reason", call.request.body}});
}

void ControlService::ListControls(Call call) {
  proto::ControlList list;
  for (proto::Control& control : needs_.controls.book().List(call.Query("canvas")))
    *list.add_controls() = std::move(control);
  call.Answer(list);
}

void ControlService::Limits(Call call, const std::string& canvas) {
  if (!IsCanvasName(canvas)) return call.Fail(422, "this is not a canvas name: " + canvas);
  bool explain = call.Query("explain") == "1";
  proto::LimitsAnswer answer = LimitsOf(*needs_.policy(), canvas, call.Query("handler"),
                                        explain ? Explained::kYes : Explained::kNo);
  PolicyLoad load = needs_.policy_load();
  answer.set_policy_load(load.number);
  answer.set_policy_loaded_unix_us(load.unix_us);
  call.Answer(answer);
}

// What is wrong with the query; empty: nothing, and the question has it all.
std::string ControlService::ReadFilters(const Call& call, const Revision& revision,
                                        proto::ListTraces* question) const {
  auto verdict = VerdictNamed(call.Query("verdict"));
  if (!verdict) return "there is no verdict named " + call.Query("verdict");
  question->set_verdict(*verdict);
  uint32_t rows = call.Rows(20);
  if (rows == 0) return "n is a number of rows, 1 or more";
  question->set_rows_max(rows);
  question->set_handler(call.Query("handler"));
  // By its id, so that it is found under the names that it had before. One that the revision in
  // force does not have is looked for by name.
  const proto::HandlerEntry* handler = revision.HandlerNamed(question->handler());
  if (handler != nullptr) question->set_tlid(handler->tlid());
  question->set_function(call.Query("function"));
  question->set_caller(call.Query("caller"));
  for (const char* end : {"since", "until"}) {
    const std::string text = call.Query(end);
    if (text.empty()) continue;
    auto moment = ParseMoment(text, needs_.clock.Wall());
    if (!moment) return NotAMoment(end, text);
    end == std::string_view("since") ? question->set_since_unix_us(UnixMicros(*moment))
                                     : question->set_until_unix_us(UnixMicros(*moment));
  }
  if (std::string text = call.Query("revision"); !text.empty()) {
    auto number = PositiveNumber(text);
    if (!number) return "revision is a number, 1 or more; not " + text;
    question->set_revision(*number);
  }
  if (std::string text = call.Query("field"); !text.empty()) {
    size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return "field is NAME=VALUE, with a name that the policy's trace_index has; not " + text;
    question->set_field(text.substr(0, equals));
    question->set_field_value(text.substr(equals + 1));
  }
  return "";
}

void ControlService::ListTraces(Call call, const std::string& canvas) {
  RevisionPtr revision = needs_.book.Find(canvas);
  if (!revision) return call.Fail(404, "there is no canvas " + canvas);
  proto::ToWriter question;
  question.mutable_list_traces()->set_canvas(canvas);
  question.mutable_list_traces()->set_all_machines(!call.Query("all_machines").empty());
  std::string wrong = ReadFilters(call, *revision, question.mutable_list_traces());
  if (!wrong.empty()) return call.Fail(400, wrong);
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->traces());
  });
}

void ControlService::GetTrace(Call call, const std::string& canvas, const std::string& text) {
  auto id = RunId::Parse(text);
  if (!id) return call.Fail(400, "this is not a trace id: " + text);
  if (call.Header("accept").find(kTraceType) != std::string::npos)
    return GetObject(std::move(call), canvas, *id);
  proto::ToWriter question;
  question.mutable_get_trace()->set_canvas(canvas);
  question.mutable_get_trace()->set_run_id(std::string(id->bytes()));
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(std::move(*answer->mutable_trace_json()));
  });
}

void ControlService::ImportTrace(Call call, const std::string& canvas) {
  ImportOrder order;
  order.canvas = canvas;
  order.handler = call.Query("handler");
  order.dark_trace = call.Query("dark_trace");
  if (!order.dark_trace.empty() && !RunId::Parse(order.dark_trace))
    return call.Fail(400, "this is not the id of a trace: " + order.dark_trace);
  if (call.request.body.size() > bounds::kImportBytes)
    return call.Fail(
        413, "a trace to import is at most " + std::to_string(bounds::kImportBytes) + " bytes");
  order.object = std::move(call.request.body);
  order.by = call.request.peer;
  needs_.importer.Import(std::move(order), [call](Result<proto::ImportAnswer> answer) {
    const std::string file = call.Query("file");
    if (!answer)
      return call.Fail(file.empty() ? answer.error() : Wrap(answer.error(), file).value());
    call.Answer(*answer);
  });
}

void ControlService::Rerun(Call call, const std::string& canvas, const std::string& text) {
  RerunOrder order;
  if (std::string wrong = ReadRerun(call, canvas, text, &order); !wrong.empty())
    return call.Fail(400, wrong);
  DoAgain(std::move(call), std::move(order));
}

void ControlService::RunFunction(Call call, const std::string& canvas, const std::string& text,
                                 const std::string& function) {
  RerunOrder order;
  if (std::string wrong = ReadRerun(call, canvas, text, &order); !wrong.empty())
    return call.Fail(400, wrong);
  const std::string& arguments = call.request.body;
  std::string number = call.Query("call");
  if (!IsText(function, kFunctionNameBytes))
    return call.Fail(400, "a function's name is text of at most " +
                              std::to_string(kFunctionNameBytes) + " bytes");
  if (!IsText(arguments, bounds::kInlineBodyBytes))
    return call.Fail(400, "arguments are text of at most " +
                              std::to_string(bounds::kInlineBodyBytes) + " bytes");
  if (!number.empty() && !arguments.empty())
    return call.Fail(400, "either a call's arguments or others");
  order.function.emplace().name = function;
  order.function->arguments_json = arguments;
  if (!arguments.empty()) order.function->call = 0;
  if (!number.empty()) {
    auto nth = PositiveNumber(number);
    if (!nth) return call.Fail(400, "call is a number, 1 or more");
    order.function->call = *nth;
  }
  DoAgain(std::move(call), std::move(order));
}

std::string ControlService::ReadRerun(const Call& call, const std::string& canvas,
                                      const std::string& text, RerunOrder* order) {
  auto id = RunId::Parse(text);
  if (!id) return "this is not a trace id: " + text;
  order->canvas = canvas;
  order->run = *id;
  order->live = !call.Query("live").empty();
  order->by = call.request.peer;
  std::string revision = call.Query("revision");
  if (revision.empty()) return "";
  auto number = PositiveNumber(revision);
  if (!number) return "revision is a number, 1 or more";
  order->revision = *number;
  return "";
}

void ControlService::DoAgain(Call call, RerunOrder order) {
  const std::string base = order.run.ToString();
  needs_.rerunner.Rerun(std::move(order), [call, base](Result<Rerunner::Again> again) {
    if (!again) return call.Fail(again.error());
    RunResult& result = again->result;
    if (again->patch && result.request_refused) return call.Fail(422, result.body);
    uint32_t answered = result.calls_answered, live = result.calls_live;
    proto::RunAnswer answer = AnswerOf(std::move(result));
    answer.set_revision(again->revision);
    answer.set_calls_answered(answered);
    answer.set_calls_live(live);
    if (again->patch)
      *answer.mutable_patch() = std::move(*again->patch);
    else
      answer.set_rerun_of(base);
    call.Answer(answer);
  });
}

void ControlService::ListHolds(Call call) {
  proto::ToWriter question;
  question.mutable_list_holds()->set_canvas(call.Query("canvas"));
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->holds());
  });
}

void ControlService::DeleteTrace(Call call, const std::string& canvas, const std::string& text) {
  proto::ToWriter question;
  proto::DeleteTrace* order = question.mutable_delete_trace();
  if (std::string wrong = ReadOrder(call.request, canvas, text, "a deletion", order);
      !wrong.empty())
    return call.Fail(400, wrong);
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->trace_deleted());
  });
}

void ControlService::HoldTrace(Call call, const std::string& canvas, const std::string& text) {
  proto::ToWriter question;
  proto::HoldTrace* order = question.mutable_hold_trace();
  if (std::string wrong = ReadOrder(call.request, canvas, text, "a hold", order); !wrong.empty())
    return call.Fail(400, wrong);
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->hold());
  });
}

void ControlService::ReleaseTrace(Call call, const std::string& canvas, const std::string& text) {
  auto id = RunId::Parse(text);
  if (!id) return call.Fail(400, "this is not a trace id: " + text);
  proto::ToWriter question;
  question.mutable_release_trace()->set_canvas(canvas);
  question.mutable_release_trace()->set_run_id(std::string(id->bytes()));
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->hold());
  });
}

void ControlService::GetObject(Call call, const std::string& canvas, const RunId& id) {
  auto range = ParseByteRange(call.Header("range"));
  proto::ToWriter question;
  proto::GetObject& wanted = *question.mutable_get_object();
  wanted.set_canvas(canvas);
  wanted.set_run_id(std::string(id.bytes()));
  if (range) {
    wanted.set_first(range->first);
    wanted.set_count(range->count);
    wanted.set_suffix(range->suffix);
  }
  const bool part = range.has_value();
  needs_.journal.Ask(std::move(question), [call, part](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.responder->Send(ObjectResponse(std::move(*answer->mutable_stored_object()), part));
  });
}

void ControlService::GetMetrics(Call call) {
  if (!store_figures_) return call.Answer(kPrometheusType, needs_.metrics_text(nullptr), 200);
  proto::ToWriter question;
  question.mutable_store_figures_wanted();
  // Without the writer there are all the other figures.
  needs_.journal.Ask(std::move(question), [this, call](Result<proto::FromWriter> answer) {
    bool told = answer && answer->has_store_figures();
    call.Answer(kPrometheusType, needs_.metrics_text(told ? &answer->store_figures() : nullptr),
                200);
  });
}

void ControlService::ListMissed(Call call, const std::string& canvas) {
  uint32_t rows = call.Rows(20);
  RevisionPtr revision = needs_.book.Find(canvas);
  if (rows == 0) return call.Fail(400, "n is a number of rows, 1 or more");
  if (!revision) return call.Fail(404, "there is no canvas " + canvas);
  needs_.missed.List(canvas, [call, rows, revision](Result<proto::MissedList> answer) {
    if (!answer) return call.Fail(answer.error());
    proto::MissedList list;
    for (proto::MissedRoute& route : *answer->mutable_routes()) {
      if (static_cast<uint32_t>(list.routes_size()) == rows) break;
      RouteMatch match = revision->router.Match(route.method(), route.path());
      if (match.kind == RouteMatch::Kind::kNone) *list.add_routes() = std::move(route);
    }
    call.Answer(list);
  });
}

void ControlService::HandleMissed(Call call, const std::string& canvas) {
  MissedOrder order{canvas, call.Query("method"), call.Query("path"), call.Query("route"),
                    call.request.peer};
  if (order.method.empty() || order.path.empty())
    return call.Fail(400, "method and path say which request it is");
  std::string by = order.by;
  // What was noted a moment ago is told to the writer first.
  needs_.missed.Tell();
  needs_.missed_handler.Deploy(
      std::move(order),
      [this, call, by](tl::expected<proto::MissedHandled, DeployFailure> handled) {
        if (!handled) return call.Fail(std::move(handled.error()));
        if (needs_.feed.Wants()) needs_.feed.Publish(DeployEvent(handled->deploy(), by));
        call.Answer(*handled);
      });
}

void ControlService::ListIncidents(Call call) {
  uint32_t rows = call.Rows(20);
  if (rows == 0) return call.Fail(400, "n is a number of rows, 1 or more");
  proto::ToWriter question;
  question.mutable_list_incidents()->set_canvas(call.Query("canvas"));
  question.mutable_list_incidents()->set_rows_max(rows);
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->incidents());
  });
}

void ControlService::GetIncident(Call call, const std::string& text) {
  auto id = RunId::Parse(text);
  if (!id) return call.Fail(400, "this is not an incident id: " + text);
  proto::ToWriter question;
  question.mutable_get_incident()->set_run_id(std::string(id->bytes()));
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->incident());
  });
}

// Where a walk along a chain stands, out of the query. False: the answer was no.
template <typename Call>
static bool ReadWalk(const Call& call, proto::VerifyIncidents* walk) {
  if (std::string after = call.Query("after"); !after.empty()) {
    auto link = PositiveNumber(after);
    if (!link || call.Query("hash").empty()) {
      call.Fail(400, "after is the number of a link, and hash is its hash");
      return false;
    }
    walk->set_after(*link);
    walk->set_hash(call.Query("hash"));
  }
  std::string head = call.Query("head");
  if (head.empty() || ReadChainHead(head, walk)) return true;
  call.Fail(400, "head is LINK:HASH, as the log told it");
  return false;
}

void ControlService::VerifyIncidents(Call call) {
  proto::ToWriter question;
  if (!ReadWalk(call, question.mutable_verify_incidents())) return;
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->chain());
  });
}

void ControlService::VerifyAudit(Call call) {
  proto::ToWriter question;
  if (!ReadWalk(call, question.mutable_verify_audit())) return;
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->chain());
  });
}

void ControlService::ListAudit(Call call) {
  proto::ToWriter question;
  proto::ListAudit& wanted = *question.mutable_list_audit();
  uint32_t rows = call.Rows(20);
  if (rows == 0) return call.Fail(400, "n is a number of rows, 1 or more");
  wanted.set_rows_max(rows);
  wanted.set_actor(call.Query("actor"));
  wanted.set_action(call.Query("action"));
  wanted.set_canvas(call.Query("canvas"));
  if (std::string text = call.Query("since"); !text.empty()) {
    auto moment = ParseMoment(text, needs_.clock.Wall());
    if (!moment) return call.Fail(400, NotAMoment("since", text));
    wanted.set_since_unix_us(UnixMicros(*moment));
  }
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->audit());
  });
}

void ControlService::Usage(Call call) {
  const std::map<std::string, proto::UsageBy> kinds = {{"", proto::USAGE_BY_CANVAS},
                                                       {"hour", proto::USAGE_BY_HOUR},
                                                       {"day", proto::USAGE_BY_DAY},
                                                       {"canvas", proto::USAGE_BY_CANVAS}};
  auto by = kinds.find(call.Query("by"));
  if (by == kinds.end()) return call.Fail(400, "by is hour, day or canvas");
  proto::ToWriter question;
  proto::UsageWanted& wanted = *question.mutable_usage_wanted();
  wanted.set_by(by->second);
  wanted.set_canvas(call.Query("canvas"));
  if (!wanted.canvas().empty() && !IsCanvasName(wanted.canvas()))
    return call.Fail(422, "this is not a canvas name: " + wanted.canvas());
  wanted.set_rows_max(bounds::kUsageListRows);
  const WallTime now = needs_.clock.Wall();
  WallTime since = now - std::chrono::days(1), until = now;
  for (auto [name, end] : {std::pair("since", &since), {"until", &until}}) {
    const std::string text = call.Query(name);
    if (text.empty()) continue;
    auto moment = ParseMoment(text, now);
    if (!moment) return call.Fail(400, NotAMoment(name, text));
    *end = *moment;
  }
  // Whole hours, those in which they lie included.
  auto seconds = [](auto hour) { return hour.time_since_epoch() / std::chrono::seconds(1); };
  wanted.set_since_unix_s(seconds(std::chrono::floor<std::chrono::hours>(since)));
  wanted.set_until_unix_s(seconds(std::chrono::ceil<std::chrono::hours>(until)));
  if (needs_.tell_usage) needs_.tell_usage();
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->usage());
  });
}

void ControlService::Events(Call call) {
  EventFilter filter;
  filter.canvas = call.Query("canvas");
  std::istringstream kinds(call.Query("kind"));
  for (std::string name; std::getline(kinds, name, ',');) {
    proto::FeedKind kind = FeedKindNamed(name);
    if (kind == proto::FEED_KIND_UNSPECIFIED)
      return call.Fail(400, "there is no kind of event named " + name);
    filter.kinds.insert(kind);
  }
  uint64_t number = next_stream_++;
  auto stream =
      EventStream::Begin(needs_.loop, needs_.feed, std::move(filter), call.Header("last-event-id"),
                         *call.responder, [this, number] { streams_.erase(number); });
  if (!stream)
    return call.Fail(503, std::to_string(bounds::kEventReaders) + " read events already");
  streams_.emplace(number, std::move(stream));
}

}  // namespace nightjar
