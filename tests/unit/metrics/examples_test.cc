// The example dashboard and alerts: promtool takes them, they fire when they should, and they ask
// for nothing that there is not.

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "supervisor/metrics/prometheus_text.h"

namespace nightjar {
namespace {

const std::string kSource = NIGHTJAR_SOURCE_DIR;
const std::string kAlerts = kSource + "/docs/examples/prometheus/alerts.yml";
const std::string kDashboard = kSource + "/docs/examples/grafana/nightjar.json";

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// All that there can be.
std::string AllMetrics() {
  HostCounts counts;
  counts.runs_ended = {{"finished", 1}, {"start_failed", 2}};
  HostLevels levels;
  levels.store.emplace();
  levels.store->failed = {{"permission", 2}};
  CanvasSeries series;
  series.Of("demo", MonoTime(std::chrono::hours(1))).cpu_us = 1'500'000;
  levels.canvas_series = &series;
  return PrometheusText(counts, levels);
}

int Promtool(const std::string& arguments, const std::string& input = "/dev/null") {
  int status = system(("promtool " + arguments + " <" + input + " >&2").c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(ExamplesTest, PromtoolTakesTheAlerts) {
  EXPECT_EQ(Promtool("check rules " + kAlerts), 0);
}

TEST(ExamplesTest, AlertsFireWhenTheyShouldAndNotOtherwise) {
  EXPECT_EQ(Promtool("test rules " + kSource + "/tests/unit/metrics/alerts_test.yml"), 0);
}

TEST(ExamplesTest, PromtoolTakesAllMetrics) {
  char path[] = "/tmp/nightjar-metrics-XXXXXX";
  int fd = mkstemp(path);
  ASSERT_GE(fd, 0);
  close(fd);
  std::ofstream(path) << AllMetrics();
  EXPECT_EQ(Promtool("check metrics", path), 0) << AllMetrics();
  std::filesystem::remove(path);
}

TEST(ExamplesTest, EveryMetricThatTheyAskForIsThere) {
  const std::string metrics = "\n" + AllMetrics();
  for (const std::string& path : {kAlerts, kDashboard}) {
    const std::string text = ReadFile(path);
    const std::regex name("nightjar_[a-z_]+");
    std::set<std::string> names;
    for (std::sregex_iterator at(text.begin(), text.end(), name), end; at != end; ++at)
      names.insert(at->str());
    EXPECT_GT(names.size(), 8u) << path;
    for (const std::string& each : names)
      EXPECT_TRUE(metrics.find("\n" + each + "{") != metrics.npos ||
                  metrics.find("\n" + each + " ") != metrics.npos)
          << path << " asks for " << each;
  }
}

TEST(ExamplesTest, CanvasesHaveTheirFigures) {
  const std::string text = AllMetrics();
  for (const char* line : {"nightjar_canvas_cpu_seconds_total{canvas=\"demo\"} 1.5\n",
                           "nightjar_canvas_cpu_seconds_total{canvas=\"_other\"} 0\n",
                           "nightjar_canvas_runs_total{canvas=\"demo\",ended=\"killed\"} 0\n",
                           "nightjar_canvas_refused_total{canvas=\"_other\"} 0\n"})
    EXPECT_NE(text.find(line), text.npos) << line << text;
}

}  // namespace
}  // namespace nightjar
