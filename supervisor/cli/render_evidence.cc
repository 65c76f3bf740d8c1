#include "supervisor/cli/render_evidence.h"

#include <algorithm>
#include <map>
#include <vector>

#include "supervisor/cli/printable.h"
#include "supervisor/cli/quantity.h"

namespace nightjar::cli {
namespace {

constexpr int kSamplesToPlot = 3;  // fewer say no more than the table does
constexpr int kDeepestIndent = 12;
constexpr double kRoundingUs = 0.5;

using Samples = google::protobuf::RepeatedPtrField<proto::UsageSample>;

// What had been used by then, between the two samples around it.
double CpuAt(const Samples& samples, double at_us) {
  double before_at = 0, before = 0;
  for (const proto::UsageSample& sample : samples) {
    auto after_at = static_cast<double>(sample.at_us());
    auto after = static_cast<double>(sample.cpu_us());
    if (after_at + kRoundingUs >= at_us) {
      double span = after_at - before_at;
      return span > 0 ? before + (after - before) * (at_us - before_at) / span : after;
    }
    before_at = after_at;
    before = after;
  }
  return before;
}

// The first that was seen from then on.
const proto::UsageSample& SeenAt(const Samples& samples, double at_us) {
  for (const proto::UsageSample& sample : samples)
    if (static_cast<double>(sample.at_us()) + kRoundingUs >= at_us) return sample;
  return samples[samples.size() - 1];
}

double Highest(const std::vector<double>& values) {
  return *std::max_element(values.begin(), values.end());
}

std::string Hundredths(double value) {
  auto hundredths = static_cast<uint64_t>(value * 100 + 0.5);
  std::string rest = std::to_string(hundredths % 100);
  return std::to_string(hundredths / 100) + (rest.size() == 1 ? ".0" : ".") + rest;
}

std::string Joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "; ") + part;
  return text;
}

std::string ThreadText(const std::string& state, const std::string& waits_in) {
  std::string text = Printable(state);
  if (!waits_in.empty()) text += " in " + Printable(waits_in);
  return text;
}

std::string ProcessText(const proto::ProcessSeen& process, const Paint& paint) {
  std::string text = std::to_string(process.pid()) + " " +
                     ThreadText(process.state(), process.waits_in()) + "  " +
                     paint.Name(Printable(process.name()));
  if (process.threads_in_all() > 1)
    text += ", " + std::to_string(process.threads_in_all()) + " threads";
  if (!process.command().empty()) text += "  " + Printable(process.command());
  return text;
}

}  // namespace

std::string RenderUsageOverTime(const proto::Incident& incident, Glyphs glyphs, const Paint& paint,
                                size_t plot_columns) {
  const Samples& samples = incident.usage_over_time();
  if (samples.size() < kSamplesToPlot) return "";
  auto end_us = static_cast<double>(samples[samples.size() - 1].at_us());
  double column_us = end_us / static_cast<double>(plot_columns);
  if (column_us <= 0) return "";
  std::vector<double> cpu, memory, pids;
  for (size_t column = 0; column < plot_columns; ++column) {
    double from = column_us * static_cast<double>(column), to = from + column_us;
    cpu.push_back(std::max(0.0, CpuAt(samples, to) - CpuAt(samples, from)) / column_us);
    memory.push_back(static_cast<double>(SeenAt(samples, to).memory_bytes()));
    pids.push_back(static_cast<double>(SeenAt(samples, to).pids()));
  }
  auto line = [&](const char* name, const std::vector<double>& values, double top,
                  const std::string& most) {
    return "  " + paint.Dim(name) + Plot(values, top, glyphs) + "  " + most + "\n";
  };
  std::string text = "\nOver its " + TimeText(static_cast<uint64_t>(end_us)) + ", in " +
                     std::to_string(samples.size()) + " samples:\n";
  text += line("cpu       ", cpu, std::max(1.0, Highest(cpu)),
               "at most " + Hundredths(Highest(cpu)) + " processors");
  text += line("memory    ", memory, Highest(memory),
               "at most " + BytesText(static_cast<uint64_t>(Highest(memory))));
  if (Highest(pids) > 1)
    text += line("processes ", pids, Highest(pids),
                 "at most " + std::to_string(static_cast<uint64_t>(Highest(pids))));
  return text;
}

std::string KernelText(const proto::CellEvents& events) {
  std::vector<std::string> parts;
  auto count = [&](uint64_t times, const char* one, const char* many) {
    if (times > 0) parts.push_back(CountText(times, one, many));
  };
  count(events.memory_max(), "time at its memory limit", "times at its memory limit");
  count(events.memory_oom(), "time nothing could be freed for it",
        "times nothing could be freed for it");
  count(events.memory_oom_kill(), "process killed for memory", "processes killed for memory");
  count(events.memory_high(), "time slowed down for memory", "times slowed down for memory");
  count(events.pids_denied(), "fork refused", "forks refused");
  return Joined(parts);
}

std::string HeldUpText(const proto::CellEvents& events) {
  std::vector<std::string> parts;
  if (events.canvas_throttled() > 0)
    parts.push_back("its canvas had used up its processors " +
                    CountText(events.canvas_throttled(), "time", "times") + ", " +
                    TimeText(events.canvas_throttled_us()) + " in all");
  auto waited = [&](uint64_t micros, const char* what) {
    if (micros > 0) parts.push_back(TimeText(micros) + " waiting for " + what);
  };
  waited(events.cpu_stalled_us(), "a processor");
  waited(events.memory_stalled_us(), "memory");
  waited(events.io_stalled_us(), "the disk");
  if (parts.empty()) return "";
  return Joined(parts) + " (since " + TimeText(events.counted_from_us()) + " after its start)";
}

std::string RenderProcesses(const proto::Incident& incident, const Paint& paint) {
  if (incident.processes().empty()) return "";
  std::string text = "\nIts processes just before it was stopped (" +
                     std::to_string(incident.processes_in_all()) + " in all):\n";
  std::map<int, int> depth;
  for (const proto::ProcessSeen& process : incident.processes()) {
    auto parent = depth.find(process.parent());
    int nested = parent == depth.end() ? 0 : std::min(parent->second + 1, kDeepestIndent);
    depth[process.pid()] = nested;
    std::string indent(static_cast<size_t>(2 + 2 * nested), ' ');
    text += indent + ProcessText(process, paint) + "\n";
    for (const proto::ThreadSeen& thread : process.threads())
      text += indent + "  thread " + std::to_string(thread.tid()) + " " +
              ThreadText(thread.state(), thread.waits_in()) + "  " + Printable(thread.name()) +
              "\n";
  }
  size_t shown = static_cast<size_t>(incident.processes_size());
  if (incident.processes_in_all() > shown)
    text += "  ... " + std::to_string(incident.processes_in_all() - shown) + " more\n";
  return text;
}

std::string RenderLeftOut(const proto::Incident& incident, const Paint& paint) {
  std::string text;
  for (const std::string& what : incident.left_out())
    text += "  " + paint.Dim("not known  ") + Printable(what) + "\n";
  return text.empty() ? "" : "\n" + text;
}

}  // namespace nightjar::cli
