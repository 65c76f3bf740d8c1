#include "supervisor/cli/render_why.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "ipc/core/bounds.h"
#include "supervisor/cli/page.h"
#include "supervisor/cli/printable.h"
#include "supervisor/cli/quantity.h"
#include "supervisor/cli/render_evidence.h"
#include "supervisor/cli/render_incident.h"
#include "supervisor/cli/render_trace.h"
#include "supervisor/cli/table.h"

namespace nightjar::cli {
namespace {

constexpr int kLastEvents = 6;
constexpr size_t kProcessLines = 8;
constexpr size_t kLeftOutLines = 3;
constexpr size_t kPlotNames = 42;  // columns of a plot's line beside the plot
constexpr size_t kPlotLeast = 16;

std::string Fact(const char* name, const std::string& value, const Paint& paint) {
  if (value.empty()) return "";
  std::string padded = name;
  padded.resize(10, ' ');
  return "  " + paint.Dim(padded) + Printable(value) + "\n";
}

std::string Request(const std::string& line, const std::string& caller) {
  if (line.empty()) return caller;
  return caller.empty() ? line : line + " from " + caller;
}

std::string Who(const std::string& canvas, const std::string& handler, const Paint& paint) {
  return paint.Bold(Printable(handler.empty() ? canvas : canvas + " " + handler));
}

std::string UsageText(const proto::Usage& usage) {
  return "wall " + TimeText(usage.wall_us()) + ", cpu " + TimeText(usage.cpu_us()) + ", memory " +
         BytesText(usage.memory_peak_bytes()) + ", waited " + TimeText(usage.queue_us());
}

std::string CodeText(uint64_t revision, const std::string& sha256) {
  std::string text = revision == 0 ? "" : "revision " + std::to_string(revision);
  if (!sha256.empty()) text += (text.empty() ? "" : ", ") + ("sha256 " + sha256);
  return text;
}

// A command that says more, and what.
std::string SeeAlso(const std::vector<std::pair<std::string, std::string>>& commands,
                    const Paint& paint) {
  Table table({{"", Table::Align::kLeft, kPageMost}, {""}});
  for (const auto& [command, what] : commands) table.AddRow({command, what});
  return "\nMore:\n" + table.Render(paint, "  ");
}

std::string Counted(uint64_t count) {
  return count > bounds::kSimilarCounted ? "more than " + std::to_string(bounds::kSimilarCounted)
                                         : std::to_string(count);
}

std::string Similar(const proto::Incident& incident, const proto::SimilarIncidents& similar,
                    size_t columns, const Paint& paint) {
  const std::string verdict = VerdictText(incident.verdict());
  if (similar.newest().empty()) return "\nThere is no other " + verdict + " like it.\n";
  std::string counts;
  auto count = [&](uint64_t how_many, const std::string& what) {
    if (how_many > 0) counts += (counts.empty() ? "" : ", ") + Counted(how_many) + " " + what;
  };
  count(similar.of_canvas(), "of this canvas");
  count(similar.of_code(), "of the same code");
  count(similar.of_caller(), "from the same caller");
  Table table({{""}, {""}, {""}, {"", Table::Align::kLeft, 32}, {""}});
  for (const proto::IncidentRow& row : similar.newest())
    table.AddRow(
        {row.run_id(), ClockText(row.at_unix_us()), row.canvas(), row.handler(), row.caller()});
  return "\n" +
         WrapAtSpaces("Other " + verdict + " like it, newest first: " + counts + ".", columns) +
         "\n" + table.Render(paint, "  ");
}

std::string LastEvents(const proto::Incident& incident, const Paint& paint) {
  if (incident.last_events().empty()) return "";
  std::string text = "\nThe last events:\n";
  for (int i = std::max(0, incident.last_events_size() - kLastEvents);
       i < incident.last_events_size(); ++i)
    text += "  " + RenderEvent(incident.last_events(i), paint) + "\n";
  return text;
}

std::string OpenCalls(const proto::Incident& incident, const Paint& paint) {
  if (incident.open_calls().empty()) return "";
  uint64_t open =
      std::max<uint64_t>(incident.calls_open(), static_cast<uint64_t>(incident.open_calls_size()));
  return "\nOpen calls, outermost first (" + std::to_string(open) + " in all):\n" +
         RenderOpenCalls(incident.open_calls(), open, Detail::kShort, paint);
}

std::string IncidentFacts(const proto::WhyAnswer& answer, const Paint& paint) {
  const proto::Incident& incident = answer.incident();
  std::string text = "\n";
  text += Fact("request", Request(incident.request_line(), incident.caller()), paint);
  text += Fact("at", ClockText(incident.at_unix_us()), paint);
  text += Fact("code", CodeText(incident.revision(), incident.code_sha256()), paint);
  if (answer.trace().http_status() != 0)
    text += Fact("answered", std::to_string(answer.trace().http_status()), paint);
  text += Fact("kernel", KernelText(incident.events()), paint);
  text += Fact("held up", HeldUpText(incident.events()), paint);
  text += Fact("run", answer.run_id(), paint);
  return text;
}

std::string WhyEnded(const proto::WhyAnswer& answer, size_t columns, Glyphs glyphs,
                     const Paint& paint) {
  const proto::Incident& incident = answer.incident();
  const std::string& id = answer.run_id();
  size_t plot = columns > kPlotNames + kPlotLeast ? columns - kPlotNames : kPlotLeast;
  const std::string rest = ": nightjar incident " + id;
  std::string text = IncidentFacts(answer, paint) + RenderLimitsUsed(incident, paint) +
                     RenderUsageOverTime(incident, glyphs, paint, plot) +
                     FirstLines(RenderProcesses(incident, paint), kProcessLines, rest) +
                     OpenCalls(incident, paint) + LastEvents(incident, paint) +
                     FirstLines(RenderLeftOut(incident, paint), kLeftOutLines, rest) +
                     Similar(incident, answer.similar(), columns, paint);
  std::vector<std::pair<std::string, std::string>> more;
  more.emplace_back("nightjar incident " + id, "all that is recorded of it");
  bool ran = incident.verdict() != proto::VERDICT_REFUSED &&
             incident.verdict() != proto::VERDICT_START_FAILED;
  if (answer.no_trace().empty())
    more.emplace_back("nightjar trace " + incident.canvas() + " " + id, "everything it did");
  else if (ran)
    text += "\nIts trace cannot be read: " + Printable(answer.no_trace()) + "\n";
  more.emplace_back("nightjar evidence " + id + " --out FILE", "all of it sealed in a file");
  return text + SeeAlso(more, paint);
}

std::string WhyFinished(const proto::WhyAnswer& answer, const Paint& paint, std::string* sentence) {
  const proto::TraceRow& row = answer.trace();
  const std::string who = Who(row.canvas(), row.handler(), paint);
  const std::string status =
      row.http_status() == 0 ? "" : " with status " + std::to_string(row.http_status());
  if (!row.imported_from().empty())
    *sentence = who + " was not run here: it was imported from classic Dark.";
  else if (row.verdict() == proto::VERDICT_FINISHED)
    *sentence = who + " " + paint.Good("finished") + status +
                ". Nothing ended it: no limit was struck, nobody killed it.";
  else if (row.verdict() == proto::VERDICT_PROGRAM_ERROR)
    *sentence = who + " ended by itself" + status + ", " + paint.Bad("program_error") +
                (row.detail().empty() ? "" : ": " + Printable(row.detail())) +
                ". No limit was struck, nobody killed it.";
  else
    *sentence = who + " ended, " + paint.Bad(VerdictText(row.verdict())) +
                (row.detail().empty() ? "" : ": " + Printable(row.detail())) +
                ". There is no incident of it.";
  std::string text = "\n";
  text += Fact("request", Request(row.request_line(), row.caller()), paint);
  text += Fact("at", ClockText(row.received_unix_us()), paint);
  text += Fact("code", CodeText(row.revision(), ""), paint);
  if (row.imported_from().empty()) text += Fact("used", UsageText(row.usage()), paint);
  text += Fact("run", answer.run_id(), paint);
  if (!answer.no_trace().empty())
    return text + "\nIts trace cannot be read: " + Printable(answer.no_trace()) + "\n";
  return text +
         SeeAlso({{"nightjar trace " + row.canvas() + " " + answer.run_id(), "everything it did"}},
                 paint);
}

std::string WhyRunning(const proto::RunRow& row, const Paint& paint, std::string* sentence) {
  *sentence = Who(row.canvas(), row.handler(), paint) + " is not over: it is " +
              Printable(row.state()) + ", for " + TimeText(row.wall_us()) + " of at most " +
              TimeText(row.wall_limit_us()) + ".";
  std::string text = "\n";
  text += Fact(
      "used", "cpu " + TimeText(row.cpu_us()) + ", memory " + BytesText(row.memory_bytes()), paint);
  if (row.pid() > 0) text += Fact("process", std::to_string(row.pid()), paint);
  text += Fact("run", row.run_id(), paint);
  return text + SeeAlso({{"nightjar kill " + row.run_id(), "ends it now"}}, paint);
}

}  // namespace

std::string RenderWhy(const proto::WhyAnswer& answer, size_t columns, Glyphs glyphs,
                      const Paint& paint) {
  const size_t width = std::clamp(columns, kPageLeast, kPageMost);
  std::string sentence, rest;
  if (answer.has_incident()) {
    sentence = RenderWhatHappened(answer.incident(), paint);
    rest = WhyEnded(answer, width, glyphs, paint);
  } else if (answer.has_running()) {
    rest = WhyRunning(answer.running(), paint, &sentence);
  } else {
    rest = WhyFinished(answer, paint, &sentence);
  }
  while (sentence.ends_with('\n')) sentence.pop_back();
  // Where it takes two lines, the limit has one of them.
  if (size_t limit = sentence.find("; limit "); limit != sentence.npos && sentence.size() > width)
    sentence.replace(limit, 2, ";\n  ");
  std::string top;
  for (size_t at = 0; at <= sentence.size();) {
    size_t end = std::min(sentence.find('\n', at), sentence.size());
    top += WrapAtSpaces(std::string_view(sentence).substr(at, end - at), width) + "\n";
    at = end + 1;
  }
  return top + CutLines(rest, width);
}

}  // namespace nightjar::cli
