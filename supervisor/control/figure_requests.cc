#include <map>
#include <sstream>

#include "ipc/core/bounds.h"
#include "supervisor/control/control_service.h"
#include "supervisor/feed/events.h"
#include "supervisor/metrics/prometheus_text.h"

namespace nightjar {

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
  auto span = call.SpanUntil(needs_.clock.Wall());
  if (!span) return call.Fail(400, span.error());
  // Whole hours, those in which they lie included.
  auto seconds = [](auto hour) { return hour.time_since_epoch() / std::chrono::seconds(1); };
  wanted.set_since_unix_s(seconds(std::chrono::floor<std::chrono::hours>(span->since)));
  wanted.set_until_unix_s(seconds(std::chrono::ceil<std::chrono::hours>(span->until)));
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

}  // namespace nightjar
