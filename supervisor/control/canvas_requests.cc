#include "ipc/core/bounds.h"
#include "supervisor/control/control_service.h"
#include "supervisor/control/run_answer.h"
#include "supervisor/feed/events.h"
#include "supervisor/policy/limits_on_wire.h"
#include "supervisor/run/new_order.h"

namespace nightjar {

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

void ControlService::Limits(Call call, const std::string& canvas) {
  if (!IsCanvasName(canvas)) return call.Fail(422, "this is not a canvas name: " + canvas);
  bool explain = call.Query("explain") == "1";
  proto::LimitsAnswer answer = LimitsOf(*needs_.policy(), canvas, call.Query("handler"),
                                        explain ? Explained::kYes : Explained::kNo);
  const std::string& handler = answer.handler();
  RevisionPtr revision = needs_.book.Find(canvas);
  if (!revision)
    answer.set_not_deployed("canvas " + canvas);
  else if (!handler.empty() && revision->HandlerNamed(handler) == nullptr)
    answer.set_not_deployed("handler " + handler);
  PolicyLoad load = needs_.policy_load();
  answer.set_policy_load(load.number);
  answer.set_policy_loaded_unix_us(load.unix_us);
  call.Answer(answer);
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

}  // namespace nightjar
