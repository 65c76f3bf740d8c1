#include "supervisor/cli/render_timeline.h"

#include "ipc/proto/usage_sum.h"
#include "supervisor/cli/printable.h"
#include "supervisor/cli/quantity.h"
#include "supervisor/cli/table.h"

namespace nightjar::cli {
namespace {

constexpr size_t kDetailColumns = 140;

// Without the ends that the program made itself.
uint64_t KilledIn(const proto::UsageCounters& used) {
  uint64_t killed = RunsIn(used);
  for (const char* verdict : {"finished", "program_error"}) {
    auto at = used.runs().find(verdict);
    if (at != used.runs().end()) killed -= at->second;
  }
  return killed;
}

std::string UsedText(const proto::UsageCounters& used) {
  std::string text = CountText(RunsIn(used), "run", "runs") + ", cpu " + TimeText(used.cpu_us());
  if (uint64_t killed = KilledIn(used); killed > 0)
    text += ", " + std::to_string(killed) + " killed";
  if (uint64_t refused = used.refused() + used.unstarted(); refused > 0)
    text += ", " + std::to_string(refused) + " refused";
  return text;
}

std::string IncidentText(const proto::IncidentRow& row) {
  std::string text = row.handler();
  if (!row.caller().empty()) text += " from " + row.caller();
  if (!row.detail().empty()) text += ": " + row.detail();
  return text;
}

std::string MissedText(const proto::MissedRoute& route) {
  std::string text = route.method() + " " + route.path();
  if (!route.caller().empty()) text += " from " + route.caller();
  if (route.count() > 1)
    text += ", the newest of " + std::to_string(route.count()) + " since " +
            ClockText(route.first_unix_us());
  return text;
}

struct Line {
  std::string what, detail, run;
};

Line LineOf(const proto::TimelineEvent& event) {
  switch (event.kind()) {
    case proto::TIMELINE_DEPLOY:
      return {"deploy", "revision " + std::to_string(event.revision()) + " by " + event.by(), ""};
    case proto::TIMELINE_INCIDENT:
    case proto::TIMELINE_REFUSAL:
      return {VerdictText(event.incident().verdict()), IncidentText(event.incident()),
              event.incident().run_id()};
    case proto::TIMELINE_MISSED:
      return {"404", MissedText(event.missed()), ""};
    case proto::TIMELINE_HOLD:
      return {"hold", "by " + event.by() + ": " + event.hold().reason(), event.hold().run_id()};
    case proto::TIMELINE_USAGE:
      return {"hour", UsedText(event.used()), ""};
    case proto::TIMELINE_AUDIT:
      return {"operator", event.detail(), ""};
    default:
      return {"unknown", "an event that this version of nightjar does not know", ""};
  }
}

}  // namespace

std::string RenderTimeline(const proto::Timeline& timeline, const Paint& paint) {
  std::string text = Printable(timeline.canvas()) + " from " + ClockText(timeline.since_unix_us()) +
                     " to " + ClockText(timeline.until_unix_us()) + "\n";
  if (timeline.more())
    text += "Older events are left out: ask for a shorter time, or for more with -n.\n";
  if (timeline.events().empty()) return text + "Nothing happened.\n";
  Table table({{"AT"}, {"WHAT"}, {"RUN"}, {"", Table::Align::kLeft, kDetailColumns}});
  for (const proto::TimelineEvent& event : timeline.events()) {
    Line line = LineOf(event);
    table.AddRow({ClockText(event.at_unix_us()), line.what, line.run, line.detail});
  }
  return text + table.Render(paint);
}

}  // namespace nightjar::cli
