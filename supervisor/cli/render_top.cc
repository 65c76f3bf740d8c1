#include "supervisor/cli/render_top.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>
#include <vector>

#include "supervisor/cli/quantity.h"
#include "supervisor/cli/table.h"

namespace nightjar::cli {
namespace {

constexpr auto kRight = Table::Align::kRight;
constexpr size_t kOtherLines = 6;  // headings, titles and the prompt's line

struct Rates {
  const proto::CanvasRow* row = nullptr;
  double requests = 0;
  double cpus = 0;
};

std::string Fixed(double value, int digits) {
  char text[40];
  snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

// A counter that went back belongs to a supervisor that started anew.
double PerSecond(uint64_t earlier, uint64_t now, double seconds) {
  return now >= earlier && seconds > 0 ? static_cast<double>(now - earlier) / seconds : 0;
}

struct SortName {
  TopSort sort;
  std::string_view name;
  char key;
};
constexpr SortName kSorts[] = {
    {TopSort::kCpu, "cpu", 'c'},           {TopSort::kMemory, "memory", 'm'},
    {TopSort::kRuns, "runs", 'r'},         {TopSort::kKills, "kills", 'k'},
    {TopSort::kRefusals, "refusals", 'f'}, {TopSort::kName, "name", 'n'}};

// How much there is of what it is sorted by; the second where the first is the same.
std::pair<double, double> Weight(const Rates& one, TopSort sort) {
  auto total = [](uint64_t count) { return static_cast<double>(count); };
  switch (sort) {
    case TopSort::kMemory:
      return {total(one.row->memory_bytes()), one.cpus};
    case TopSort::kRuns:
      return {one.requests, total(one.row->requests())};
    case TopSort::kKills:
      return {total(one.row->killed()), one.cpus};
    case TopSort::kRefusals:
      return {total(one.row->refused()), one.cpus};
    case TopSort::kName:
      return {};
    case TopSort::kCpu:
      break;
  }
  return {one.cpus, one.requests};
}

std::vector<Rates> RatesOf(const TopSample* earlier, const TopSample& now, TopSort sort) {
  std::map<std::string, const proto::CanvasRow*> before;
  if (earlier != nullptr)
    for (const proto::CanvasRow& row : earlier->canvases.canvases()) before[row.canvas()] = &row;
  std::vector<Rates> rates;
  for (const proto::CanvasRow& row : now.canvases.canvases()) {
    Rates one{&row};
    if (auto at = before.find(row.canvas()); at != before.end()) {
      double seconds = std::chrono::duration<double>(now.at - earlier->at).count();
      one.requests = PerSecond(at->second->requests(), row.requests(), seconds);
      one.cpus = PerSecond(at->second->cpu_us(), row.cpu_us(), seconds) / 1e6;
    }
    rates.push_back(one);
  }
  std::stable_sort(rates.begin(), rates.end(), [sort](const Rates& a, const Rates& b) {
    auto of_a = Weight(a, sort), of_b = Weight(b, sort);
    if (of_a != of_b) return of_a > of_b;
    if (sort == TopSort::kName) return a.row->canvas() < b.row->canvas();
    return a.row->requests() > b.row->requests();
  });
  return rates;
}

std::string CanvasTable(const std::vector<Rates>& rates, bool has_rates, size_t rows,
                        const Paint& paint) {
  Table table({{"CANVAS"},
               {"REQ/S", kRight},
               {"CPUS", kRight},
               {"RUNNING", kRight},
               {"QUEUED", kRight},
               {"ARMED", kRight},
               {"P50", kRight},
               {"P99", kRight},
               {"MEMORY", kRight},
               {"RUNS", kRight},
               {"REFUSED", kRight},
               {"KILLED", kRight}});
  for (const Rates& one : rates) {
    if (table.rows() == rows) break;
    const proto::CanvasRow& row = *one.row;
    table.AddRow({row.canvas(), has_rates ? Fixed(one.requests, 0) : "-",
                  has_rates ? Fixed(one.cpus, 2) : "-", std::to_string(row.running()),
                  std::to_string(row.queued()), std::to_string(row.armed()),
                  row.latency_p50_us() == 0 ? "-" : TimeText(row.latency_p50_us()),
                  row.latency_p99_us() == 0 ? "-" : TimeText(row.latency_p99_us()),
                  BytesText(row.memory_bytes()), std::to_string(row.requests()),
                  std::to_string(row.refused()), std::to_string(row.killed())});
  }
  return table.Render(paint);
}

std::string RunTable(const proto::RunList& runs, size_t rows, const Paint& paint) {
  std::vector<const proto::RunRow*> longest;
  for (const proto::RunRow& row : runs.runs()) longest.push_back(&row);
  std::stable_sort(longest.begin(), longest.end(),
                   [](const auto* a, const auto* b) { return a->wall_us() > b->wall_us(); });
  Table table({{"RUN"},
               {"CANVAS"},
               {"HANDLER", Table::Align::kLeft, 32},
               {"STATE"},
               {"WALL", kRight},
               {"CPU", kRight},
               {"MEMORY", kRight}});
  for (const proto::RunRow* row : longest) {
    if (table.rows() == rows) break;
    table.AddRow({row->run_id(), row->canvas(), row->handler(), row->state(),
                  TimeText(row->wall_us()), TimeText(row->cpu_us()),
                  BytesText(row->memory_bytes())});
  }
  return table.rows() == 0 ? "" : "\n" + table.Render(paint);
}

std::string KeysText(TopSort sort, const Paint& paint) {
  std::string text;
  for (const SortName& one : kSorts) {
    std::string name = std::string(1, one.key) + " " + std::string(one.name);
    text += (text.empty() ? "" : "  ") + (one.sort == sort ? paint.Bold("[" + name + "]") : name);
  }
  return "by: " + text + "  q quit";
}

}  // namespace

std::optional<TopSort> TopSortNamed(std::string_view name) {
  for (const SortName& one : kSorts)
    if (one.name == name) return one.sort;
  return std::nullopt;
}

std::optional<TopSort> TopSortOfKey(char key) {
  for (const SortName& one : kSorts)
    if (one.key == key) return one.sort;
  return std::nullopt;
}

std::string RenderTop(const TopSample* earlier, const TopSample& now, const TopView& view,
                      const Paint& paint) {
  const size_t rows = view.rows;
  std::vector<Rates> rates = RatesOf(earlier, now, view.sort);
  double requests = 0;
  double cpus = 0;
  for (const Rates& one : rates) {
    requests += one.requests;
    cpus += one.cpus;
  }
  std::string text = CountText(rates.size(), "canvas", "canvases") + ", " +
                     CountText(static_cast<uint64_t>(now.runs.runs_size()), "run", "runs");
  if (earlier != nullptr)
    text += ", " + Fixed(requests, 0) + " requests/s on " + Fixed(cpus, 2) + " processors";
  text += "\n" + (view.keys ? KeysText(view.sort, paint) : "") + "\n";
  // Two thirds of the screen for canvases, what they leave for runs.
  size_t room = rows == 0 ? SIZE_MAX : std::max<size_t>(rows, kOtherLines + 3) - kOtherLines;
  size_t for_canvases = rows == 0 ? SIZE_MAX : room - room / 3;
  text += CanvasTable(rates, earlier != nullptr, for_canvases, paint);
  return text + RunTable(now.runs, room - std::min(rates.size(), for_canvases), paint);
}

}  // namespace nightjar::cli
