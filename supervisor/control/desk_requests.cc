// What the desk asks beside incidents and runs: a canvas's timeline, a link of the chain, a source.
#include <algorithm>
#include <utility>

#include "ipc/core/bounds.h"
#include "supervisor/control/control_service.h"
#include "supervisor/control/request_values.h"

namespace nightjar {
namespace {

// What has an event of another kind already.
bool IsToldOtherwise(const proto::AuditEntry& entry) {
  return entry.status() == 200 && (entry.action() == "deploy" || entry.action() == "hold");
}

std::string SentenceOf(const proto::AuditEntry& entry) {
  std::string text = entry.action();
  if (!entry.object().empty()) text += " " + entry.object();
  text += " by " + (entry.user().empty() ? "" : entry.user() + ", ") + entry.actor();
  if (!entry.reason().empty()) text += ": " + entry.reason();
  if (!entry.outcome().empty() && entry.outcome() != "done") text += " (" + entry.outcome() + ")";
  return text;
}

// The audit log is on another thread of the writer than the rest, and so it is asked for apart.
void AddAudit(const proto::AuditList& audit, size_t rows_max, proto::Timeline* timeline) {
  for (const proto::AuditEntry& entry : audit.entries()) {
    bool within = entry.at_unix_us() >= timeline->since_unix_us() &&
                  entry.at_unix_us() < timeline->until_unix_us();
    // Where older events are left out, older entries are too.
    bool too_old = timeline->more() && timeline->events_size() > 0 &&
                   entry.at_unix_us() < timeline->events(0).at_unix_us();
    if (!within || too_old || IsToldOtherwise(entry)) continue;
    proto::TimelineEvent& event = *timeline->add_events();
    event.set_at_unix_us(entry.at_unix_us());
    event.set_kind(proto::TIMELINE_AUDIT);
    event.set_by(entry.actor());
    event.set_detail(SentenceOf(entry));
  }
  auto& events = *timeline->mutable_events();
  std::stable_sort(events.begin(), events.end(),
                   [](const auto& a, const auto& b) { return a.at_unix_us() < b.at_unix_us(); });
  const int left_out = std::max(0, events.size() - static_cast<int>(rows_max));
  if (left_out == 0) return;
  events.DeleteSubrange(0, left_out);
  timeline->set_more(true);
}

}  // namespace

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
  auto span = call.SpanUntil(needs_.clock.Wall());
  if (!span) return call.Fail(400, span.error());
  proto::ToWriter question;
  proto::TimelineWanted& wanted = *question.mutable_timeline_wanted();
  wanted.set_canvas(canvas);
  wanted.set_since_unix_us(UnixMicros(span->since));
  wanted.set_until_unix_us(UnixMicros(span->until));
  wanted.set_rows_max(rows);
  // What was noted a moment ago is told to the writer first.
  needs_.missed.Tell();
  if (needs_.tell_usage) needs_.tell_usage();
  needs_.journal.Ask(std::move(question), [this, call, rows](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    auto timeline = std::make_shared<proto::Timeline>(std::move(*answer->mutable_timeline()));
    proto::ToWriter more;
    more.mutable_list_audit()->set_canvas(timeline->canvas());
    more.mutable_list_audit()->set_since_unix_us(timeline->since_unix_us());
    more.mutable_list_audit()->set_rows_max(static_cast<uint32_t>(bounds::kListRows));
    needs_.journal.Ask(std::move(more), [call, rows, timeline](Result<proto::FromWriter> audit) {
      if (!audit) return call.Fail(audit.error());
      AddAudit(audit->audit(), rows, timeline.get());
      call.Answer(*timeline);
    });
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

}  // namespace nightjar
