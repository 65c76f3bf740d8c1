#include "supervisor/cli/render_lists.h"

#include <algorithm>
#include <map>

#include "supervisor/cli/printable.h"
#include "supervisor/cli/quantity.h"
#include "supervisor/cli/render_policy.h"
#include "supervisor/cli/table.h"

namespace nightjar::cli {
namespace {

constexpr auto kRight = Table::Align::kRight;
// The hash of an archive of evidence fits, and its name.
constexpr size_t kReasonColumns = 140;

std::string Number(uint64_t count) {
  return std::to_string(count);
}

std::string StoredText(const proto::TraceRow& row) {
  bool only_row =
      row.not_kept() == proto::NOT_KEPT_SAMPLE || row.not_kept() == proto::NOT_KEPT_BYTES;
  return only_row ? "not kept" : BytesText(row.stored_bytes());
}

// A line for each line of policy that kept something from being stored.
std::string NotKeptText(const proto::TraceList& list) {
  struct Left {
    uint64_t traces = 0, events = 0;
  };
  std::map<std::string, Left> by_line;
  for (const proto::TraceRow& row : list.traces()) {
    if (row.not_kept() == proto::NOT_KEPT_NOTHING) continue;
    Left& left = by_line[row.not_kept_by()];
    left.events += row.events_not_kept();
    left.traces += row.not_kept() != proto::NOT_KEPT_EVENTS;
  }
  std::string text;
  for (const auto& [line, left] : by_line) {
    text += "Not kept, by " + Printable(line) + ": ";
    text += left.traces > 0 ? CountText(left.traces, "trace", "traces")
                            : CountText(left.events, "event", "events");
    text += ".\n";
  }
  return text;
}

std::string TimeOrDash(uint64_t micros) {
  return micros == 0 ? "-" : TimeText(micros);
}

}  // namespace

std::string RenderCanvases(const proto::CanvasList& list, const Paint& paint) {
  if (list.canvases().empty()) return "No canvas yet. `nightjar deploy CANVAS FILE` makes one.\n";
  Table table({{"CANVAS"},
               {"REVISION", kRight},
               {"HANDLERS", kRight},
               {"ARMED", kRight},
               {"RUNNING", kRight},
               {"QUEUED", kRight},
               {"REQUESTS", kRight},
               {"P50", kRight},
               {"P99", kRight},
               {"REFUSED", kRight},
               {"KILLED", kRight},
               {"CPU", kRight},
               {"MEMORY", kRight}});
  for (const proto::CanvasRow& row : list.canvases())
    table.AddRow({row.canvas(), Number(row.revision()), Number(row.handlers()), Number(row.armed()),
                  Number(row.running()), Number(row.queued()), Number(row.requests()),
                  TimeOrDash(row.latency_p50_us()), TimeOrDash(row.latency_p99_us()),
                  Number(row.refused()), Number(row.killed()), TimeOrDash(row.cpu_us()),
                  BytesText(row.memory_bytes())});
  return table.Render(paint);
}

std::string RenderRuns(const proto::RunList& list, const Paint& paint) {
  if (list.runs().empty()) return "Nothing is running.\n";
  Table table({{"RUN"},
               {"CANVAS"},
               {"HANDLER", Table::Align::kLeft, 40},
               {"STATE"},
               {"PID", kRight},
               {"WALL", kRight},
               {"LIMIT", kRight},
               {"CPU", kRight},
               {"MEMORY", kRight}});
  for (const proto::RunRow& row : list.runs())
    table.AddRow({row.run_id(), row.canvas(), row.handler(), row.state(),
                  row.pid() == 0 ? "-" : std::to_string(row.pid()), TimeText(row.wall_us()),
                  TimeText(row.wall_limit_us()), TimeText(row.cpu_us()),
                  BytesText(row.memory_bytes())});
  return table.Render(paint);
}

std::string RenderTraces(const proto::TraceList& list, const Paint& paint) {
  const bool machines = std::any_of(list.traces().begin(), list.traces().end(),
                                    [](const auto& row) { return !row.machine().empty(); });
  std::vector<Table::Column> columns{{"TRACE"},
                                     {"AT"},
                                     {"REQUEST", Table::Align::kLeft, 48},
                                     {"VERDICT"},
                                     {"STATUS", kRight},
                                     {"WALL", kRight},
                                     {"CPU", kRight},
                                     {"MEMORY", kRight},
                                     {"EVENTS", kRight},
                                     {"DROPPED", kRight},
                                     {"STORED", kRight}};
  if (machines) columns.push_back({"MACHINE"});
  Table table(std::move(columns));
  for (const proto::TraceRow& row : list.traces()) {
    const proto::Usage& usage = row.usage();
    const bool imported = !row.imported_from().empty();
    const int64_t dark_unix_us = row.imported_received_unix_us();
    std::vector<std::string> cells{
        row.run_id(),
        ClockText(dark_unix_us != 0 ? dark_unix_us : row.received_unix_us()),
        row.request_line().empty() ? row.handler() : row.request_line(),
        imported ? "imported" : VerdictText(row.verdict()),
        row.http_status() == 0 ? "-" : Number(row.http_status()),
        TimeText(usage.wall_us()),
        TimeText(usage.cpu_us()),
        BytesText(usage.memory_peak_bytes()),
        Number(usage.trace_events()),
        Number(usage.trace_dropped() + row.events_not_kept()),
        StoredText(row)};
    if (machines) cells.push_back(row.machine());
    table.AddRow(std::move(cells));
  }
  std::string text = list.traces().empty() ? "No trace matches.\n" : table.Render(paint);
  text += NotKeptText(list);
  if (list.looked_enough())
    text +=
        "So many did not match that older ones were not looked at: ask with --until for those.\n";
  return text;
}

std::string RenderHolds(const proto::HoldList& list, const Paint& paint) {
  if (list.holds().empty()) return "Nothing is held.\n";
  Table table({{"TRACE"},
               {"CANVAS"},
               {"REQUEST", Table::Align::kLeft, 40},
               {"VERDICT"},
               {"HELD"},
               {"BY"},
               {"REASON", Table::Align::kLeft, kReasonColumns}});
  for (const proto::Hold& hold : list.holds()) {
    const proto::TraceRow& trace = hold.trace();
    table.AddRow({hold.run_id(), hold.canvas(),
                  trace.request_line().empty() ? trace.handler() : trace.request_line(),
                  VerdictText(trace.verdict()), ClockText(hold.held_unix_us()), hold.by(),
                  hold.reason()});
  }
  return table.Render(paint);
}

std::string RenderMissed(const proto::MissedList& list, const Paint& paint) {
  if (list.routes().empty()) return "Every request found its route.\n";
  Table table({{"ROUTE", Table::Align::kLeft, 64},
               {"REQUESTS", kRight},
               {"FIRST"},
               {"LAST"},
               {"LAST CALLER"}});
  for (const proto::MissedRoute& route : list.routes())
    table.AddRow({route.method() + " " + route.path(), Number(route.count()),
                  ClockText(route.first_unix_us()), ClockText(route.last_unix_us()),
                  route.caller()});
  return table.Render(paint);
}

std::string RenderIncidents(const proto::IncidentList& list, const Paint& paint) {
  if (list.incidents().empty()) return "No incident: nothing was killed or refused.\n";
  Table table({{"INCIDENT"},
               {"AT"},
               {"CANVAS"},
               {"HANDLER", Table::Align::kLeft, 32},
               {"VERDICT"},
               {"WHAT HAPPENED", Table::Align::kLeft, 100}});
  for (const proto::IncidentRow& row : list.incidents())
    table.AddRow({row.run_id(), ClockText(row.at_unix_us()), row.canvas(), row.handler(),
                  VerdictText(row.verdict()), row.detail()});
  return table.Render(paint);
}

std::string RenderSimilar(const proto::IncidentList& list, const Paint& paint) {
  if (list.incidents().empty()) return "No incident is like that.\n";
  constexpr size_t kHashShown = 12;
  Table table({{"INCIDENT"},
               {"AT"},
               {"CANVAS"},
               {"HANDLER", Table::Align::kLeft, 32},
               {"VERDICT"},
               {"CALLER"},
               {"CODE"},
               {"WHAT HAPPENED", Table::Align::kLeft, 60}});
  for (const proto::IncidentRow& row : list.incidents())
    table.AddRow({row.run_id(), ClockText(row.at_unix_us()), row.canvas(), row.handler(),
                  VerdictText(row.verdict()), row.caller(), row.code_sha256().substr(0, kHashShown),
                  row.detail()});
  std::string text = table.Render(paint);
  if (list.more()) text += "There are older ones: -n shows more.\n";
  return text;
}

std::string RenderChain(const proto::ChainAnswer& chain, const Paint& paint,
                        const ChainWords& words) {
  // When a chain was begun only that of incidents says.
  const std::string begun = chain.begun_unix_us() > 0
                                ? " since the chain was begun, " + ClockText(chain.begun_unix_us())
                                : "";
  std::string text;
  if (!chain.broken().empty()) {
    text = paint.Bad("NOT SOUND") + ": ";
    if (chain.broken_link() > 0) text += "link " + std::to_string(chain.broken_link());
    if (!chain.broken_run_id().empty())
      text += " (incident " + Printable(chain.broken_run_id()) + ", " +
              ClockText(chain.broken_at_unix_us()) + ")";
    if (chain.broken_link() > 0) text += ": ";
    text += Printable(chain.broken()) + ".\n";
  }
  if (chain.link() == 0) {
    text += (chain.broken().empty() ? std::string("No ") + words.one : "None before it") + begun +
            ".\n";
  } else {
    text += paint.Good(CountText(chain.link(), std::string(words.one) + " is sound",
                                 std::string(words.many) + " are sound")) +
            ", from " + ClockText(chain.first_at_unix_us()) + " to " +
            ClockText(chain.last_at_unix_us()) + ".\n";
    text += "Head of the " + std::string(chain.whole() ? "chain" : "sound part") + ": " +
            std::to_string(chain.link()) + ":" + Printable(chain.hash()) + "\n";
  }
  if (chain.unlinked() > 0)
    text += CountText(chain.unlinked(), "older incident is", "older incidents are") +
            " in no chain: it was begun " + ClockText(chain.begun_unix_us()) + ".\n";
  return text;
}

std::string RenderLimits(const proto::LimitsAnswer& answer, const Paint& paint) {
  std::string text = LimitsHeading(answer);
  Table table({{"LIMIT"}, {"VALUE", kRight}, {"SET BY"}, {"LAYER"}});
  for (const proto::LimitInForce& limit : answer.limits()) {
    bool built_in = limit.source() == "built in";
    table.AddRow({limit.name(), limit.value(), limit.source(), built_in ? "" : limit.layer()});
  }
  return text + table.Render(paint);
}

std::string RenderFunctions(const proto::FunctionList& list, const Paint& paint) {
  Table table({{"FUNCTION"}, {"PARAMETERS"}, {"RETURNS"}, {"PURITY"}, {"INSTEAD"}});
  for (const proto::FunctionRow& row : list.functions()) {
    std::string name = row.module().empty() ? row.name() : row.module() + "." + row.name();
    // Operators have no versions.
    if (std::isalpha(static_cast<unsigned char>(row.name()[0])))
      name += "_v" + std::to_string(row.version());
    std::string parameters;
    for (const proto::FunctionParameter& parameter : row.parameters())
      parameters += (parameters.empty() ? "" : ", ") + parameter.name() + ": " + parameter.type();
    table.AddRow({name, parameters, row.returns(), row.purity(), row.deprecated()});
  }
  return table.Render(paint);
}

std::string RenderDoctor(const proto::DoctorAnswer& answer, const Paint& paint) {
  std::string text;
  for (const proto::DoctorCheck& check : answer.checks()) {
    std::string state;
    switch (check.state()) {
      case proto::DOCTOR_OK:
        state = paint.Good("ok      ");
        break;
      case proto::DOCTOR_DEGRADED:
        state = paint.Warn("degraded");
        break;
      case proto::DOCTOR_MISSING:
        state = paint.Bad("missing ");
        break;
      default:
        state = "unknown ";
    }
    text +=
        state + "  " + paint.Bold(Printable(check.name())) + ": " + Printable(check.found()) + "\n";
    if (check.state() == proto::DOCTOR_OK) continue;
    if (!check.means().empty()) text += "          means: " + Printable(check.means()) + "\n";
    if (!check.fix().empty()) text += "          fix:   " + Printable(check.fix()) + "\n";
  }
  text += answer.can_serve() ? "This host can serve.\n"
                             : "This host cannot serve as it is: fix what is missing, or name it "
                               "with `nightjar serve --without NAME`.\n";
  return text;
}

}  // namespace nightjar::cli
