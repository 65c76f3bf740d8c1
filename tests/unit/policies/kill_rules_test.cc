#include "policies/kill_rules.h"

#include <gtest/gtest.h>

namespace nightjar::policy {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

Limits SomeLimits() {
  Limits limits;
  limits.wall = {seconds(2), {"policy.toml:4", "default"}};
  limits.cpu = {seconds(1), {"policy.toml:20", "plan free"}};
  limits.trace_overflow_kills.value = true;
  limits.steps = {69, {"policy.toml:5", "default"}};
  return limits;
}

TEST(KillRulesTest, EachLimitHasItsSentence) {
  struct Case {
    RunUsage usage;
    KillRule rule;
    const char* sentence;
  };
  const Case kCases[] = {
      {{.wall = milliseconds(2004)},
       KillRule::kWall,
       "used 2.004 s of wall time; limit wall = 2s (policy.toml:4, default)"},
      {{.cpu = microseconds(1'000'900)},
       KillRule::kCpu,
       "used 1.000 s of cpu time; limit cpu = 1s (policy.toml:20, plan free)"},
      {{.oom_kills = 1},
       KillRule::kMemory,
       "needed more memory than it may have; limit memory = 64MiB (built in, default)"},
      {{.memory_peak_bytes = 67'000'000, .oom_kills = 1},
       KillRule::kMemory,
       "used 63.9 MiB of memory and needed more; limit memory = 64MiB (built in, default)"},
      {{.pids_denied = 1},
       KillRule::kPids,
       "tried to start more processes than it may have; limit pids = 8 (built in, default)"},
      {{.output_bytes = 4'194'305},
       KillRule::kOutput,
       "made 4194305 bytes of output; limit output = 4MiB (built in, default)"},
      {{.trace_bytes = 1'048'577},
       KillRule::kTrace,
       "made 1048577 bytes of trace; limit trace = 1MiB (built in, default)"},
      {{.depth = 1001},
       KillRule::kDepth,
       "nested 1001 calls; limit depth = 1000 (built in, default)"},
      {{.steps = 70}, KillRule::kSteps, "took 70 steps; limit steps = 69 (policy.toml:5, default)"},
  };
  for (const Case& one : kCases) {
    auto broken = Broken(SomeLimits(), one.usage);
    ASSERT_TRUE(broken) << one.sentence;
    EXPECT_EQ(broken->rule, one.rule);
    EXPECT_EQ(broken->sentence, one.sentence);
  }
}

TEST(KillRulesTest, NothingIsBrokenJustBelowALimit) {
  RunUsage usage;
  usage.wall = seconds(2) - Nanos(1);
  usage.cpu = seconds(1) - microseconds(1);
  usage.output_bytes = 4 << 20;
  usage.trace_bytes = 1 << 20;
  usage.depth = 1000;
  usage.steps = 69;
  EXPECT_FALSE(Broken(SomeLimits(), usage));
  EXPECT_FALSE(Broken(SomeLimits(), RunUsage()));
}

TEST(KillRulesTest, TheFirstOfTheOrderIsTheCause) {
  RunUsage usage;
  usage.wall = seconds(9);
  EXPECT_EQ(Broken(SomeLimits(), usage)->rule, KillRule::kWall);
  usage.cpu = seconds(9);
  EXPECT_EQ(Broken(SomeLimits(), usage)->rule, KillRule::kCpu);
  usage.trace_bytes = 1 << 30;
  EXPECT_EQ(Broken(SomeLimits(), usage)->rule, KillRule::kTrace);
  usage.output_bytes = 1 << 30;
  EXPECT_EQ(Broken(SomeLimits(), usage)->rule, KillRule::kOutput);
  usage.steps = 70;
  EXPECT_EQ(Broken(SomeLimits(), usage)->rule, KillRule::kSteps);
  usage.depth = 1 << 30;
  EXPECT_EQ(Broken(SomeLimits(), usage)->rule, KillRule::kDepth);
  usage.pids_denied = 1;
  EXPECT_EQ(Broken(SomeLimits(), usage)->rule, KillRule::kPids);
  usage.oom_kills = 1;
  EXPECT_EQ(Broken(SomeLimits(), usage)->rule, KillRule::kMemory);
}

TEST(KillRulesTest, WithoutALimitOfStepsAnyNumberIsFine) {
  EXPECT_FALSE(Broken(Limits(), {.steps = UINT64_MAX}));
}

TEST(KillRulesTest, TheSoftStopComesShortlyBeforeTheHardOne) {
  Limits limits = SomeLimits();
  SoftLimits soft = SoftLimitsOf(limits);
  EXPECT_EQ(soft.wall, milliseconds(1990));
  EXPECT_EQ(soft.cpu, milliseconds(990));
  EXPECT_EQ(soft.value_bytes, 60u << 20);
  // At most a tenth of a short limit.
  limits.wall.value = milliseconds(50);
  EXPECT_EQ(SoftLimitsOf(limits).wall, milliseconds(45));
  limits.soft_stop.value = Micros(0);
  EXPECT_EQ(SoftLimitsOf(limits).wall, Micros(0));
  EXPECT_EQ(SoftLimitsOf(limits).cpu, Micros(0));
  EXPECT_EQ(SoftLimitsOf(limits).value_bytes, 60u << 20);
}

TEST(KillRulesTest, ATraceThatDropsIsNoReasonToKill) {
  Limits limits = SomeLimits();
  limits.trace_overflow_kills.value = false;
  EXPECT_FALSE(Broken(limits, {.trace_bytes = 1 << 30}));
}

TEST(KillRulesTest, SaysHowLateTheDeadlineWas) {
  EXPECT_EQ(Broken(SomeLimits(), {.wall = milliseconds(2004)})->late, milliseconds(4));
}

TEST(KillRulesTest, LooksAgainWhenTheCpuLimitCouldBeReached) {
  Limits limits = SomeLimits();
  EXPECT_EQ(NextLookAfter(limits, {}), seconds(1));
  EXPECT_EQ(NextLookAfter(limits, {.cpu = milliseconds(900)}), milliseconds(100));
  EXPECT_EQ(NextLookAfter(limits, {}, 4), milliseconds(250));
  EXPECT_EQ(NextLookAfter(limits, {.cpu = microseconds(999'999)}), milliseconds(1));
  EXPECT_EQ(NextLookAfter(limits, {.cpu = seconds(5)}), milliseconds(1));
  EXPECT_EQ(NextLookAfter(limits, {}, 0), seconds(1));
}

TEST(KillRulesTest, ASoftStopIsAsNearAsWallAndAllProcessorsTogetherCanBringIt) {
  Limits limits;
  limits.wall.value = seconds(2);
  limits.cpu.value = seconds(1);
  limits.soft_stop.value = milliseconds(10);
  EXPECT_EQ(SoftStopAfter(limits, {}, 1), milliseconds(990));
  EXPECT_EQ(SoftStopAfter(limits, {}, 2), milliseconds(495));
  EXPECT_EQ(SoftStopAfter(limits, {.wall = milliseconds(1900)}, 2), milliseconds(90));
  EXPECT_LE(SoftStopAfter(limits, {.cpu = seconds(1)}, 2), Nanos(0));
  limits.soft_stop.value = milliseconds(0);
  EXPECT_EQ(SoftStopAfter(limits, {}, 1), Nanos::max());
}

}  // namespace
}  // namespace nightjar::policy
