#include "supervisor/control/control_service.h"

#include <google/protobuf/util/json_util.h>

#include <charconv>
#include <sstream>

#include "ipc/core/ascii.h"
#include "ipc/core/bounds.h"
#include "ipc/core/utf8.h"
#include "supervisor/control/byte_range.h"
#include "supervisor/control/moment.h"
#include "supervisor/control/url.h"
#include "supervisor/feed/events.h"
#include "supervisor/metrics/prometheus_text.h"
#include "supervisor/run/new_order.h"
#include "supervisor/watch/incident.h"

namespace nightjar {

// One request on its way to an answer.
struct ControlService::Call {
  http::Request request;
  ControlUrl url;
  std::shared_ptr<http::Responder> responder;

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
    responder->Send(std::move(response));
  }

  void Fail(unsigned status, const std::string& error, std::string_view code = {}) const {
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

bool IsSha256Text(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
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

constexpr size_t kFunctionNameBytes = 256;

bool IsText(const std::string& text, size_t bytes_max) {
  return text.size() <= bytes_max && Utf8PrefixSize(text, text.size()) == text.size();
}

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
  Call call{std::move(request), {}, std::make_shared<http::Responder>(std::move(responder))};
  // The socket's mode says the same; this holds even when somebody changes the mode. 0 is whoever
  // started it: root, or the user of its user namespace.
  if (call.request.peer_uid != 0)
    return call.Fail(403, "only who started the supervisor may speak here");
  auto url = ParseControlUrl(call.request.target);
  if (!url) return call.Fail(400, "this is not a path: " + call.request.target);
  call.url = std::move(*url);
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
  if (is("GET", 2, "runs")) return Why(std::move(call), path[1]);
  if (is("DELETE", 2, "runs")) return KillRun(std::move(call), path[1]);
  if (is("GET", 1, "incidents")) return ListIncidents(std::move(call));
  if (is("GET", 2, "incidents") && path[1] == "verify") return VerifyIncidents(std::move(call));
  if (is("GET", 2, "incidents")) return GetIncident(std::move(call), path[1]);
  if (is("GET", 3, "incidents") && path[2] == "link")
    return GetIncidentLink(std::move(call), path[1]);
  if (is("GET", 3, "canvases") && path[2] == "timeline")
    return GetTimeline(std::move(call), path[1]);
  if (is("GET", 5, "canvases") && path[2] == "revisions" && path[4] == "source")
    return GetSource(std::move(call), path[1], path[3]);
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

// The writer knows runs that have ended; those that go on are asked for here.
void ControlService::Why(Call call, const std::string& text) {
  const std::string id = ToLowerAscii(text);
  std::vector<proto::RunRow> live;
  for (const Run* run : needs_.runs.Live())
    if (run->order().id.ToString().starts_with(id)) live.push_back(RowOf(*run));
  proto::ToWriter question;
  question.mutable_explain_run()->set_id(id);
  needs_.journal.Ask(std::move(question), [call, id, live](Result<proto::FromWriter> answer) {
    bool clear =
        live.empty() || (answer && live.size() == 1 && answer->why().run_id() == live[0].run_id());
    if (answer && clear) return call.Answer(answer->why());
    using enum ErrorCode;
    bool wrong = !answer && (answer.error().code == kInvalid || answer.error().code == kExists);
    if (live.empty() || wrong) return call.Fail(answer.error());
    if (answer || live.size() > 1)
      return call.Fail(Error{
          kExists, 0,
          "`" + id + "` is the start of several ids, among them " + live[0].run_id() + " and " +
              (answer ? answer->why().run_id() : live[1].run_id()) + ": give more of it"});
    proto::WhyAnswer running;
    running.set_run_id(live[0].run_id());
    *running.mutable_running() = live[0];
    call.Answer(running);
  });
}

void ControlService::KillRun(Call call, const std::string& text) {
  auto id = RunId::Parse(text);
  if (!id) return call.Fail(400, "this is not a run id: " + text);
  MonoTime asked = needs_.clock.Mono();
  const Clock& clock = needs_.clock;
  Status found =
      needs_.runs.Kill(*id, call.request.peer, [call, asked, &clock](const RunResult& result) {
        proto::KillAnswer answer;
        answer.set_run_id(result.id.ToString());
        answer.set_verdict(result.verdict);
        answer.set_took_us(Microseconds(clock.Mono() - asked));
        call.Answer(answer);
      });
  if (!found) call.Fail(found.error());
}

void ControlService::Limits(Call call, const std::string& canvas) {
  if (!IsCanvasName(canvas)) return call.Fail(422, "this is not a canvas name: " + canvas);
  proto::LimitsAnswer answer;
  answer.set_canvas(canvas);
  answer.set_handler(call.Query("handler"));
  for (proto::LimitInForce& limit : LimitsInForce(needs_.policy()->For(canvas, answer.handler())))
    *answer.add_limits() = std::move(limit);
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
  proto::ListIncidents& wanted = *question.mutable_list_incidents();
  wanted.set_rows_max(rows);
  wanted.set_canvas(call.Query("canvas"));
  wanted.set_code_sha256(ToLowerAscii(call.Query("code_hash")));
  wanted.set_caller(call.Query("caller"));
  const bool code = !wanted.code_sha256().empty();
  if (!wanted.canvas().empty() + code + !wanted.caller().empty() > 1)
    return call.Fail(400, "incidents are found by one of canvas, code_hash and caller");
  if (code && !IsSha256Text(wanted.code_sha256()))
    return call.Fail(400, "code_hash is the SHA-256 of a canvas file, 64 digits of 0-9 and a-f");
  const std::string cause = call.Query("cause");
  auto verdict = VerdictNamed(cause);
  if (!verdict) return call.Fail(400, "there is no verdict named " + cause);
  wanted.set_verdict(*verdict);
  if (std::string since = call.Query("since"); !since.empty()) {
    auto moment = ParseMoment(since, needs_.clock.Wall());
    if (!moment) return call.Fail(400, NotAMoment("since", since));
    wanted.set_since_unix_us(UnixMicros(*moment));
  }
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

void ControlService::GetIncidentLink(Call call, const std::string& text) {
  auto id = RunId::Parse(text);
  if (!id) return call.Fail(400, "this is not an incident id: " + text);
  proto::ToWriter question;
  question.mutable_get_incident_link()->set_run_id(std::string(id->bytes()));
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->incident_link());
  });
}

void ControlService::GetTimeline(Call call, const std::string& canvas) {
  uint32_t rows = call.Rows(bounds::kTimelineRows);
  if (rows == 0) return call.Fail(400, "n is a number of rows, 1 or more");
  if (!needs_.book.Find(canvas)) return call.Fail(404, "there is no canvas " + canvas);
  const WallTime now = needs_.clock.Wall();
  WallTime since = now - std::chrono::days(1), until = now;
  for (auto [name, end] : {std::pair("since", &since), {"until", &until}}) {
    const std::string text = call.Query(name);
    if (text.empty()) continue;
    auto moment = ParseMoment(text, now);
    if (!moment) return call.Fail(400, NotAMoment(name, text));
    *end = *moment;
  }
  proto::ToWriter question;
  proto::TimelineWanted& wanted = *question.mutable_timeline_wanted();
  wanted.set_canvas(canvas);
  wanted.set_since_unix_us(UnixMicros(since));
  wanted.set_until_unix_us(UnixMicros(until));
  wanted.set_rows_max(rows);
  // What was noted a moment ago is told to the writer first.
  needs_.missed.Tell();
  if (needs_.tell_usage) needs_.tell_usage();
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->timeline());
  });
}

void ControlService::GetSource(Call call, const std::string& canvas, const std::string& text) {
  auto revision = PositiveNumber(text);
  if (!revision) return call.Fail(400, "revision is a number, 1 or more");
  proto::ToWriter question;
  question.mutable_get_revision_source()->set_canvas(canvas);
  question.mutable_get_revision_source()->set_revision(*revision);
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->revision_source());
  });
}

void ControlService::VerifyIncidents(Call call) {
  proto::ToWriter question;
  proto::VerifyIncidents& walk = *question.mutable_verify_incidents();
  if (std::string after = call.Query("after"); !after.empty()) {
    auto link = PositiveNumber(after);
    if (!link || call.Query("hash").empty())
      return call.Fail(400, "after is the number of a link, and hash is its hash");
    walk.set_after(*link);
    walk.set_hash(call.Query("hash"));
  }
  std::string head = call.Query("head");
  if (!head.empty() && !ReadChainHead(head, &walk))
    return call.Fail(400, "head is LINK:HASH, as the log told it");
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->chain());
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
