#include "supervisor/metrics/prometheus_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nightjar {
namespace {

using ::testing::HasSubstr;

TEST(PrometheusTextTest, CountersHaveTheirLabels) {
  HostCounts counts;
  counts.runs_ended["finished"] = 12;
  counts.runs_ended["wall_time"] = 3;
  counts.refused = 7;
  std::string text = PrometheusText(counts, {});
  EXPECT_THAT(text, HasSubstr("# TYPE nightjar_runs_ended_total counter\n"));
  EXPECT_THAT(text, HasSubstr("nightjar_runs_ended_total{verdict=\"finished\"} 12\n"));
  EXPECT_THAT(text, HasSubstr("nightjar_runs_ended_total{verdict=\"wall_time\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("\nnightjar_requests_refused_total 7\n"));
}

TEST(PrometheusTextTest, HistogramsAreCumulative) {
  HostCounts counts;
  counts.overshoots.Add(std::chrono::microseconds(40));
  counts.overshoots.Add(std::chrono::microseconds(700));
  counts.overshoots.Add(std::chrono::seconds(9));
  std::string text = PrometheusText(counts, {});
  EXPECT_THAT(text, HasSubstr("nightjar_kill_overshoot_seconds_count 3\n"));
  EXPECT_THAT(text, HasSubstr("nightjar_kill_overshoot_seconds_sum 9.00074"));
  EXPECT_THAT(text, HasSubstr("nightjar_kill_overshoot_seconds_bucket{le=\"0.0005\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("nightjar_kill_overshoot_seconds_bucket{le=\"0.001\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("nightjar_kill_overshoot_seconds_bucket{le=\"+Inf\"} 3\n"));
}

TEST(PrometheusTextTest, AStoreHasFiguresWhereThereIsOne) {
  HostLevels levels;
  EXPECT_EQ(PrometheusText(HostCounts{}, levels).find("nightjar_store"), std::string::npos);
  levels.store.emplace();
  levels.store->spooled_bytes = 7;
  levels.store->failed = {{"permission", 2}, {"timed_out", 0}};
  std::string text = PrometheusText(HostCounts{}, levels);
  EXPECT_THAT(text, HasSubstr("nightjar_store_available 0\n"));
  EXPECT_THAT(text, HasSubstr("nightjar_store_spooled_bytes 7\n"));
  EXPECT_THAT(text, HasSubstr("nightjar_store_failures_total{kind=\"permission\"} 2\n"));
}

TEST(PrometheusTextTest, TellsWhatPolicyDidNotLetBeKept) {
  HostLevels levels;
  EXPECT_EQ(PrometheusText(HostCounts{}, levels).find("budgets_used_up"), std::string::npos)
      << "before the writer has told it";
  levels.traces_kept = 5;
  levels.traces_not_kept = {{"bytes", 0}, {"sample", 95}};
  levels.trace_events_not_kept = 12;
  levels.trace_budgets_used_up = 2;
  std::string text = PrometheusText(HostCounts{}, levels);
  EXPECT_THAT(text, HasSubstr("\nnightjar_traces_kept_total 5\n"));
  EXPECT_THAT(text, HasSubstr("nightjar_traces_not_kept_total{reason=\"bytes\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("nightjar_traces_not_kept_total{reason=\"sample\"} 95\n"));
  EXPECT_THAT(text, HasSubstr("\nnightjar_trace_events_not_kept_total 12\n"));
  EXPECT_THAT(text, HasSubstr("\nnightjar_trace_budgets_used_up 2\n"));
}

TEST(PrometheusTextTest, LevelsAreGauges) {
  HostLevels levels;
  levels.canvases = 4;
  levels.quarantined = 1;
  levels.writer_connected = true;
  std::string text = PrometheusText(HostCounts{}, levels);
  EXPECT_THAT(text, HasSubstr("# TYPE nightjar_canvases gauge\nnightjar_canvases 4\n"));
  EXPECT_THAT(text, HasSubstr("nightjar_workers_quarantined 1\n"));
  EXPECT_THAT(text, HasSubstr("nightjar_writer_connected 1\n"));
}

}  // namespace
}  // namespace nightjar
