#include "supervisor/cli/render_usage.h"

#include "supervisor/cli/quantity.h"
#include "supervisor/cli/table.h"

namespace nightjar::cli {
namespace {

constexpr auto kRight = Table::Align::kRight;

// "2026-11-24 17:00", to the minute; UTC.
std::string MinuteText(int64_t unix_s) {
  return ClockText(unix_s * 1'000'000).substr(0, 16);
}

// GiB s: a GiB that was held for a second.
std::string MemoryTimeText(uint64_t kib_ms) {
  return BytesText(kib_ms / 1000 * 1024) + " s";
}

uint64_t RunsWith(const proto::UsageCounters& used, const std::string& verdict) {
  auto at = used.runs().find(verdict);
  return at == used.runs().end() ? 0 : at->second;
}

std::vector<std::string> Cells(const proto::UsageCounters& used) {
  uint64_t runs = 0;
  for (const auto& [verdict, count] : used.runs()) runs += count;
  const uint64_t finished = RunsWith(used, "finished"), errors = RunsWith(used, "program_error");
  return {TimeText(used.cpu_us()),
          MemoryTimeText(used.memory_kib_ms()),
          std::to_string(runs),
          std::to_string(finished),
          std::to_string(errors),
          std::to_string(runs - finished - errors),
          std::to_string(used.refused() + used.unstarted()),
          BytesText(used.request_bytes()),
          BytesText(used.response_bytes()),
          std::to_string(used.trace_events()),
          BytesText(used.trace_bytes()),
          BytesText(used.stored_bytes())};
}

}  // namespace

std::string RenderUsage(const proto::UsageList& list, const Paint& paint) {
  std::string text = "From " + MinuteText(list.since_unix_s()) + " to " +
                     MinuteText(list.until_unix_s()) + " (UTC)\n";
  if (list.rows().empty()) return text + "Nothing was used.\n";
  const bool by_time = list.rows(0).begins_unix_s() != 0;
  std::vector<Table::Column> columns{{"CANVAS"}};
  if (by_time) columns.push_back({"FROM"});
  for (const char* title : {"CPU", "MEMORY", "RUNS", "FINISHED", "ERRORS", "KILLED", "REFUSED",
                            "IN", "OUT", "EVENTS", "TRACED", "STORED"})
    columns.push_back({title, kRight});
  Table table(std::move(columns));
  auto add = [&](const std::string& canvas, int64_t begins, const proto::UsageCounters& used) {
    std::vector<std::string> cells = Cells(used);
    if (by_time) cells.insert(cells.begin(), begins == 0 ? "" : MinuteText(begins));
    cells.insert(cells.begin(), canvas);
    table.AddRow(std::move(cells));
  };
  for (const proto::UsageRow& row : list.rows()) add(row.canvas(), row.begins_unix_s(), row.used());
  add("in all", 0, list.sum());
  text += table.Render(paint);
  if (list.more())
    text += "There are more rows; the sum is of all. Ask for one canvas, or for a shorter time.\n";
  return text;
}

}  // namespace nightjar::cli
