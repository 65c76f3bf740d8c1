// Each of the rules that come with the supervisor, with whom it is about and with those who look
// like them and are not meant. A minute is one count and one look, on four processors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "tests/unit/rules/rig.h"

namespace nightjar::rules {
namespace {

using std::chrono::minutes;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;

using enum Counter;

struct Run {
  uint64_t cpu_us = 10'000;
  uint64_t response_bytes = 2'000;
  uint64_t trace_bytes = 2'000;
  uint64_t processes = 1;
};

// `runs` alike, each of its own request; `more` is what happened besides.
Counts Minute(uint64_t runs, const Run& run,
              const std::vector<std::pair<Counter, uint64_t>>& more = {}) {
  Counts counts = CountsOf({{kRequests, runs},
                            {kRuns, runs},
                            {kCpu, runs * run.cpu_us},
                            {kResponseBytes, runs * run.response_bytes},
                            {kRequestBytes, runs * 400},
                            {kTraceEvents, runs * 20},
                            {kTraceBytes, runs * run.trace_bytes},
                            {kProcesses, runs * run.processes},
                            {kSameCode, 1}});
  counts.Add(CountsOf(more));
  return counts;
}

Counts Quiet() {
  return Minute(2, {});
}

struct Story {
  // Of the canvas's whole time; the same each minute, or by the minute.
  Story(const Counts& each) : minute([each](int) { return each; }) {}  // NOLINT: reads as a story
  Story(std::function<Counts(int)> by_minute) : minute(std::move(by_minute)) {}  // NOLINT
  std::function<Counts(int)> minute;
};

// The hits that begin, each as the minute and its explanation.
std::vector<std::string> HitsOf(const Story& story, int minutes_told = 120) {
  Rig rig(ShippedRules());
  std::vector<std::string> hits;
  for (int minute = 1; minute <= minutes_told; ++minute) {
    rig.Pass(minutes(1));
    rig.finder.Count("shop", story.minute(minute), rig.now);
    rig.Look();
    for (const Change& change : rig.changes)
      if (change.kind == Change::Kind::kBegan)
        hits.push_back("minute " + std::to_string(minute) + ": " + change.explanation);
  }
  return hits;
}

// "rule runaway (shipped.toml:10): "
std::string Head(const std::string& name) {
  const Rule* rule = ShippedRules()->Find(name);
  EXPECT_NE(rule, nullptr) << name;
  return "rule " + name + " (" + (rule == nullptr ? "" : rule->place) + "): ";
}

TEST(ShippedRulesTest, RunawayHitsWhoIsKilledAgainAndAgain) {
  EXPECT_THAT(HitsOf(Minute(6, {}, {{kKills, 5}, {kKillsWallTime, 5}})),
              Contains("minute 4: " + Head("runaway") +
                       "in 10m, kills = 20 (>= 20) and kills / runs = 0.83 (>= 0.5)"));
}

TEST(ShippedRulesTest, RunawayLeavesABusySiteWithOneBrokenHandlerAlone) {
  EXPECT_THAT(HitsOf(Minute(300, {}, {{kKills, 30}, {kKillsMemory, 30}, {kErrors, 40}})),
              IsEmpty());
}

TEST(ShippedRulesTest, RunawayLeavesAnAuthorWhoTriesThingsOutAlone) {
  // An endless loop each half minute, for ten minutes at a time, and then a while of thinking.
  EXPECT_THAT(HitsOf(Story([](int minute) {
                const bool tries = minute % 20 < 9;
                return Minute(3, {}, {{kKills, tries ? 2 : 0}, {kKillsCpuTime, tries ? 2 : 0}});
              })),
              IsEmpty());
}

// 1.9 s of the 2 s that a run has, once a second.
Counts Mining() {
  return Minute(60, {.cpu_us = 1'900'000, .response_bytes = 60},
                {{kNearCpu, 60}, {kNearLimits, 60}});
}

TEST(ShippedRulesTest, MinerHitsWhoUsesUpProcessorsAndAnswersNothing) {
  // A tenth of four processors for 10 minutes is 240 s, which are used in the third minute.
  EXPECT_THAT(HitsOf(Mining()),
              Contains("minute 33: " + Head("miner") +
                       "in 10m, cpu_share = 47.5% (>= 10%), near.cpu + kills.cpu_time / runs = 1 "
                       "(>= 0.5) and response_bytes / runs = 60B (<= 4KiB)"));
}

TEST(ShippedRulesTest, MinerHitsWhoIsKilledAtItToo) {
  EXPECT_THAT(HitsOf(Minute(20, {.cpu_us = 2'000'000, .response_bytes = 0},
                            {{kKills, 20}, {kKillsCpuTime, 20}})),
              Contains(::testing::HasSubstr(Head("miner"))));
}

TEST(ShippedRulesTest, MinerLeavesAHeavyJobBelowItsLimitsAlone) {
  EXPECT_THAT(HitsOf(Minute(60, {.cpu_us = 1'200'000, .response_bytes = 200})), IsEmpty());
}

TEST(ShippedRulesTest, MinerLeavesWhoAnswersWithWhatItMadeAlone) {
  EXPECT_THAT(HitsOf(Minute(60, {.cpu_us = 1'900'000, .response_bytes = 500'000},
                            {{kNearCpu, 60}, {kNearLimits, 60}})),
              IsEmpty());
}

TEST(ShippedRulesTest, MinerLeavesAJobThatIsDoneInAQuarterOfAnHourAlone) {
  EXPECT_THAT(HitsOf(Story([](int minute) { return minute <= 15 ? Mining() : Quiet(); })),
              IsEmpty());
}

TEST(ShippedRulesTest, MinerLeavesABusySiteOfSmallAnswersAlone) {
  EXPECT_THAT(HitsOf(Minute(6000, {.cpu_us = 10'000, .response_bytes = 150}, {{kNearCpu, 20}})),
              IsEmpty());
}

TEST(ShippedRulesTest, FanOutHitsWhoStartsProcessesBeyondItsLimit) {
  EXPECT_THAT(HitsOf(Minute(4, {.processes = 8},
                            {{kKills, 2}, {kKillsPids, 2}, {kNearPids, 2}, {kNearLimits, 2}})),
              Contains("minute 5: " + Head("fan_out") +
                       "in 10m, kills.pids = 10 (>= 10), kills.pids + near.pids / runs = 1 (>= "
                       "0.5) and processes / runs = 8 (>= 4)"));
}

TEST(ShippedRulesTest, FanOutLeavesAProgramOfManyProcessesAlone) {
  EXPECT_THAT(HitsOf(Minute(60, {.processes = 7}, {{kNearPids, 60}, {kNearLimits, 60}})),
              IsEmpty());
}

TEST(ShippedRulesTest, FanOutLeavesASiteThatSometimesWantsTooManyAlone) {
  EXPECT_THAT(HitsOf(Minute(200, {.processes = 3}, {{kKills, 2}, {kKillsPids, 2}})), IsEmpty());
}

// `not_found` of `requests`, of so many different paths.
Counts Missing(uint64_t requests, uint64_t not_found, uint64_t paths) {
  Counts counts = Minute(requests - not_found, {});
  counts[kRequests] = requests;
  counts[kNotFound] = not_found;
  counts[kMissedPaths] = paths;
  return counts;
}

TEST(ShippedRulesTest, ScannerHitsACanvasWhoseEveryPathIsTried) {
  EXPECT_THAT(HitsOf(Missing(120, 110, 100)),
              Contains("minute 5: " + Head("scanner") +
                       "in 10m, missed_paths = 500 (>= 500), missed_paths / not_found = 0.91 (>= "
                       "0.25) and not_found / requests = 0.92 (>= 0.8)"));
}

// Paths are told apart for some seconds at a time: what is asked for all the time counts 30 times
// a minute.
TEST(ShippedRulesTest, ScannerLeavesABusySiteWithoutItsIconAlone) {
  EXPECT_THAT(HitsOf(Missing(6000, 3000, 30)), IsEmpty());
  EXPECT_THAT(HitsOf(Missing(400, 300, 90)), IsEmpty()) << "three icons on its only page";
  EXPECT_THAT(HitsOf(Missing(600, 600, 30)), IsEmpty()) << "asked for what was taken away";
}

Counts Refusing(uint64_t requests, uint64_t refused) {
  Counts counts = Minute(requests - refused, {});
  counts[kRequests] = requests;
  counts[kRefused] = counts[kRefusedQueue] = refused;
  return counts;
}

TEST(ShippedRulesTest, QueueFloodHitsWhoIsAskedForMoreThanItCanTake) {
  EXPECT_THAT(HitsOf(Refusing(2000, 1500)),
              Contains("minute 6: " + Head("queue_flood") +
                       "in 2m, refused.rate + refused.queue = 3000 (>= 500) and refused.rate + "
                       "refused.queue / requests = 0.75 (>= 0.5)"));
}

TEST(ShippedRulesTest, QueueFloodLeavesABurstAlone) {
  EXPECT_THAT(HitsOf(Refusing(6000, 600)), IsEmpty()) << "few of them are refused";
  EXPECT_THAT(HitsOf(Story([](int minute) {
                return minute % 10 < 2 ? Refusing(5000, 3500) : Refusing(500, 0);
              })),
              IsEmpty())
      << "most of them, but not for long";
}

Counts Tracing(uint64_t runs, uint64_t bytes, uint64_t dropped) {
  return Minute(runs, {.trace_bytes = bytes}, {{kTraceDropped, runs * dropped}});
}

TEST(ShippedRulesTest, TraceFloodHitsWhoFillsItsTracesAndGoesOn) {
  EXPECT_THAT(HitsOf(Tracing(60, 1 << 20, 50'000)),
              Contains("minute 5: " + Head("trace_flood") +
                       "in 10m, trace_bytes = 300MiB (>= 256MiB) and trace_dropped / runs = 50000 "
                       "(>= 10000)"));
}

TEST(ShippedRulesTest, TraceFloodLeavesLargeTracesAlone) {
  EXPECT_THAT(HitsOf(Tracing(60, 1'000'000, 0)), IsEmpty()) << "which are complete";
  EXPECT_THAT(HitsOf(Tracing(60, 1 << 20, 500)), IsEmpty()) << "which lack little";
  EXPECT_THAT(HitsOf(Tracing(1, 1 << 20, 2'000'000)), IsEmpty()) << "which are few";
}

TEST(ShippedRulesTest, CopiesHitsCodeOnManyCanvasesThatIsKilled) {
  EXPECT_THAT(HitsOf(Minute(3, {}, {{kKills, 1}, {kKillsCpuTime, 1}, {kSameCode, 12}})),
              Contains("minute 10: " + Head("copies") +
                       "in 1h, same_code = 12 (>= 5), kills = 10 (>= 10) and kills / runs = 0.33 "
                       "(>= 0.2)"));
}

TEST(ShippedRulesTest, CopiesLeavesATemplateThatWorksAlone) {
  EXPECT_THAT(HitsOf(Minute(10, {}, {{kSameCode, 40}})), IsEmpty());
  EXPECT_THAT(HitsOf(Minute(100, {}, {{kKills, 1}, {kKillsMemory, 1}, {kSameCode, 40}})), IsEmpty())
      << "one of its many visitors asks for too much now and then";
}

TEST(ShippedRulesTest, EachRuleIsHeldAgainstSomebodyHere) {
  std::set<std::string> names;
  for (const Rule& rule : ShippedRules()->rules) names.insert(rule.name);
  EXPECT_EQ(names, (std::set<std::string>{"runaway", "miner", "fan_out", "scanner", "queue_flood",
                                          "trace_flood", "copies"}));
}

}  // namespace
}  // namespace nightjar::rules
