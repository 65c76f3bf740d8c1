#include "supervisor/cli/render_incident.h"

#include <algorithm>
#include <cstring>

#include "supervisor/cli/printable.h"
#include "supervisor/cli/quantity.h"
#include "supervisor/cli/render_evidence.h"
#include "supervisor/cli/render_trace.h"
#include "supervisor/cli/table.h"

namespace nightjar::cli {
namespace {

std::string RefusalText(proto::RefusalKind kind) {
  switch (kind) {
    case proto::REFUSAL_RATE:
      return "more requests than its rate";
    case proto::REFUSAL_CONCURRENCY:
      return "too many runs and a full queue";
    case proto::REFUSAL_QUEUE_TIME:
      return "no worker was free in time";
    case proto::REFUSAL_BLOCKED:
      return "blocked by an operator";
    case proto::REFUSAL_PAUSED:
      return "paused by an operator";
    case proto::REFUSAL_SUSPENDED:
      return "the canvas is suspended";
    case proto::REFUSAL_CAPACITY:
      return "the host has no worker left";
    case proto::REFUSAL_EXEC:
      return "the canvas may not run programs";
    case proto::REFUSAL_QUOTA_RUNS:
      return "too many runs today";
    case proto::REFUSAL_QUOTA_CPU:
      return "too much processor time today";
    case proto::REFUSAL_QUOTA_EGRESS:
      return "too much sent out today";
    case proto::REFUSAL_STOPPING:
      return "the supervisor is stopping";
    default:
      return "refused";
  }
}

std::string LimitText(const proto::LimitInForce& limit) {
  std::string text = "limit " + limit.name() + " = " + limit.value() + " (" + limit.source();
  if (limit.source() != "built in") text += ", " + limit.layer();
  return Printable(text + ")");
}

// What was used of the limits that a run can use up.
std::string UsedOf(const std::string& limit, const proto::Usage& usage) {
  if (limit == "wall") return TimeText(usage.wall_us());
  if (limit == "cpu") return TimeText(usage.cpu_us());
  if (limit == "memory") return BytesText(usage.memory_peak_bytes());
  if (limit == "pids") return std::to_string(usage.pids_peak());
  if (limit == "steps" && usage.steps() > 0) return std::to_string(usage.steps());
  if (limit == "output") return BytesText(usage.output_bytes());
  if (limit == "trace") return BytesText(usage.trace_bytes());
  if (limit == "queue_time") return TimeText(usage.queue_us());
  return "";
}

std::string KillText(const proto::KillTimes& kill) {
  std::string text;
  if (kill.overshoot_us() > 0) text = TimeText(kill.overshoot_us()) + " after the limit; ";
  if (kill.by_guard()) return text + "by the guard, as the supervisor's loop was late";
  text += "gone " + TimeText(kill.signal_to_exit_us()) + " and its cell empty " +
          TimeText(kill.signal_to_empty_us()) + " after the signal";
  if (kill.quarantined()) text += "; QUARANTINED: something in it did not die";
  return text;
}

std::string ExitText(const proto::Incident& incident) {
  if (incident.exit_signal() == 0) return "status " + std::to_string(incident.exit_status());
  const char* name = sigabbrev_np(incident.exit_signal());
  std::string text = "signal " + std::to_string(incident.exit_signal());
  return name == nullptr ? text : text + " (SIG" + name + ")";
}

std::string Facts(const proto::Incident& incident, const Paint& paint) {
  std::string text = "\n";
  auto fact = [&](const char* name, const std::string& value) {
    if (!value.empty()) text += "  " + paint.Dim(name) + Printable(value) + "\n";
  };
  bool ran = incident.verdict() != proto::VERDICT_REFUSED &&
             incident.verdict() != proto::VERDICT_START_FAILED;
  std::string request = incident.request_line();
  if (!incident.caller().empty()) request += " from " + incident.caller();
  fact("request   ", request);
  fact("at        ", ClockText(incident.at_unix_us()));
  fact("revision  ", std::to_string(incident.revision()));
  if (!incident.code_sha256().empty()) fact("code      ", "sha256 " + incident.code_sha256());
  fact("policy    ", incident.policy_version());
  if (incident.has_kill()) fact("kill      ", KillText(incident.kill()));
  if (ran) fact("exit      ", ExitText(incident));
  fact("kernel    ", KernelText(incident.events()));
  fact("held up   ", HeldUpText(incident.events()));
  if (incident.usage().trace_events() > 0)
    fact("trace     ", CountText(incident.usage().trace_events(), "event", "events") + ", " +
                           std::to_string(incident.usage().trace_dropped()) + " dropped");
  if (!incident.trace_deleted().empty())
    fact("          ", "its trace was " + incident.trace_deleted());
  fact("run       ", incident.run_id());
  return text;
}

}  // namespace

std::string RenderWhatHappened(const proto::Incident& incident, const Paint& paint) {
  std::string who = paint.Bold(Printable(incident.canvas() + " " + incident.handler()));
  std::string verdict = VerdictText(incident.verdict());
  std::string text;
  if (incident.verdict() == proto::VERDICT_REFUSED) {
    text = who + " was " + paint.Bad("refused") + " before it ran";
    if (incident.detail().empty()) text += ": " + RefusalText(incident.refusal().kind());
  } else {
    bool by_us = incident.verdict() != proto::VERDICT_CRASHED &&
                 incident.verdict() != proto::VERDICT_DENIED_SYSCALL &&
                 incident.verdict() != proto::VERDICT_WORKER_EXITED &&
                 incident.verdict() != proto::VERDICT_START_FAILED &&
                 incident.verdict() != proto::VERDICT_SUPERVISOR_LOST;
    text = who + (by_us ? " was killed, " : " ended, ") + paint.Bad(verdict);
  }
  if (!incident.detail().empty()) text += ": " + Printable(incident.detail());
  text += ".\n";
  // A detail of the kernel's evidence names no line of the policy.
  if (incident.has_broken() && !incident.broken().name().empty() &&
      incident.detail().find(incident.broken().source()) == std::string::npos)
    text += "Struck: " + LimitText(incident.broken()) + ".\n";
  return text;
}

std::string RenderLimitsUsed(const proto::Incident& incident, const Paint& paint) {
  Table table({{"LIMIT"},
               {"USED", Table::Align::kRight},
               {"ALLOWED", Table::Align::kRight},
               {""},
               {"SET BY"}});
  for (const proto::LimitInForce& limit : incident.limits()) {
    std::string used = UsedOf(limit.name(), incident.usage());
    bool struck = limit.name() == incident.broken().name();
    if (used.empty() && !struck) continue;
    std::string by = limit.source();
    if (by != "built in") by += ", " + limit.layer();
    table.AddRow({limit.name(), used, limit.value(), struck ? "<- struck" : "", by});
  }
  return table.rows() == 0 ? "" : "\n" + table.Render(paint, "  ");
}

std::string RenderIncident(const proto::Incident& incident, Detail detail, Glyphs glyphs,
                           const Paint& paint) {
  std::string text = RenderWhatHappened(incident, paint) + RenderLimitsUsed(incident, paint) +
                     RenderUsageOverTime(incident, glyphs, paint) + Facts(incident, paint) +
                     RenderProcesses(incident, paint);
  if (!incident.open_calls().empty()) {
    uint64_t open = std::max<uint64_t>(incident.calls_open(),
                                       static_cast<uint64_t>(incident.open_calls_size()));
    text += "\nOpen calls, outermost first (" + std::to_string(open) + " in all):\n" +
            RenderOpenCalls(incident.open_calls(), open, detail, paint);
  }
  if (!incident.last_events().empty()) {
    text += "\nThe last events:\n";
    for (const proto::TraceEvent& event : incident.last_events())
      text += "  " + RenderEvent(event, paint) + "\n";
  }
  text += RenderLeftOut(incident, paint);
  return text;
}

}  // namespace nightjar::cli
