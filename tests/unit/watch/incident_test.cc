// The record that an operator reads after a kill.

#include "supervisor/watch/incident.h"

#include <gtest/gtest.h>

#include <csignal>

#include "ipc/core/bounds.h"

namespace nightjar {
namespace {

using std::chrono::microseconds;

class IncidentTest : public ::testing::Test {
 protected:
  IncidentTest() {
    limits_.wall = {std::chrono::seconds(2), {"policy.toml:12", "handler GET /slow"}};
    facts_.run = run_;
    facts_.canvas = "demo";
    facts_.handler = "GET /slow";
    facts_.revision = 7;
    facts_.request_line = "GET /slow?x=1";
    facts_.caller = "127.0.0.1:9";
    facts_.at_unix_us = 1'700'000'000'000'001;
    facts_.verdict = {proto::VERDICT_WALL_TIME, "used 2.001 s of wall time", "wall"};
    facts_.limits = &limits_;
  }

  RunId run_ = RunId::New(WallTime(std::chrono::seconds(1'700'000'000)));
  policy::Limits limits_;
  IncidentFacts facts_;
};

TEST_F(IncidentTest, SaysWhoWhatAndWhen) {
  facts_.usage.set_cpu_us(1234);
  proto::Incident incident = MakeIncident(facts_);
  EXPECT_EQ(incident.run_id(), run_.ToString());
  EXPECT_EQ(incident.canvas(), "demo");
  EXPECT_EQ(incident.handler(), "GET /slow");
  EXPECT_EQ(incident.revision(), 7u);
  EXPECT_EQ(incident.verdict(), proto::VERDICT_WALL_TIME);
  EXPECT_EQ(incident.detail(), "used 2.001 s of wall time");
  EXPECT_EQ(incident.at_unix_us(), 1'700'000'000'000'001);
  EXPECT_EQ(incident.request_line(), "GET /slow?x=1");
  EXPECT_EQ(incident.caller(), "127.0.0.1:9");
  EXPECT_EQ(incident.usage().cpu_us(), 1234u);
}

TEST_F(IncidentTest, NamesTheLimitWithItsLineAndEveryOtherLimitInForce) {
  proto::Incident incident = MakeIncident(facts_);
  EXPECT_EQ(incident.broken().name(), "wall");
  EXPECT_EQ(incident.broken().value(), "2s");
  EXPECT_EQ(incident.broken().source(), "policy.toml:12");
  EXPECT_EQ(incident.broken().layer(), "handler GET /slow");
  EXPECT_EQ(static_cast<size_t>(incident.limits_size()), policy::Describe(limits_).size());
  bool memory = false;
  for (const proto::LimitInForce& limit : incident.limits())
    memory |= limit.name() == "memory" && limit.value() == "64MiB" && limit.source() == "built in";
  EXPECT_TRUE(memory);
}

TEST_F(IncidentTest, WithoutAStruckLimitNoneIsBlamed) {
  facts_.verdict = {proto::VERDICT_CRASHED, "the worker died of signal 11", ""};
  EXPECT_FALSE(MakeIncident(facts_).has_broken());
  facts_.limits = nullptr;
  EXPECT_EQ(MakeIncident(facts_).limits_size(), 0);
}

TEST_F(IncidentTest, TellsHowTheProcessDied) {
  Death death;
  death.exit.signal = SIGKILL;
  death.killed = true;
  death.quarantined = true;
  death.signal_to_exit = microseconds(210);
  death.signal_to_empty = microseconds(340);
  facts_.death = &death;
  facts_.overshoot = microseconds(900);
  proto::Incident incident = MakeIncident(facts_);
  EXPECT_EQ(incident.exit_signal(), SIGKILL);
  EXPECT_EQ(incident.kill().overshoot_us(), 900u);
  EXPECT_EQ(incident.kill().signal_to_exit_us(), 210u);
  EXPECT_EQ(incident.kill().signal_to_empty_us(), 340u);
  EXPECT_TRUE(incident.kill().quarantined());
}

TEST_F(IncidentTest, ARefusalHasNoProcess) {
  facts_.verdict = {proto::VERDICT_REFUSED, "too many", "rate"};
  facts_.refusal.emplace().set_kind(proto::REFUSAL_RATE);
  proto::Incident incident = MakeIncident(facts_);
  EXPECT_FALSE(incident.has_kill());
  EXPECT_EQ(incident.exit_signal(), 0);
  EXPECT_EQ(incident.refusal().kind(), proto::REFUSAL_RATE);
  EXPECT_EQ(incident.broken().name(), "rate");
}

TEST(UsageTest, TakesWhatTheCellCounted) {
  CellUsage cell;
  cell.cpu_us = 5;
  cell.memory_peak_bytes = 6;
  cell.memory_bytes = 1;
  cell.pids_peak = 7;
  proto::Usage usage = UsageOf(cell);
  EXPECT_EQ(usage.cpu_us(), 5u);
  EXPECT_EQ(usage.memory_peak_bytes(), 6u);
  EXPECT_EQ(usage.pids_peak(), 7u);
  EXPECT_EQ(usage.wall_us(), 0u);
}

proto::LimitHit Hit(proto::SelfLimit limit, uint64_t measured) {
  proto::LimitHit hit;
  hit.set_limit(limit);
  hit.set_measured(measured);
  return hit;
}

TEST(SelfLimitTest, IsTheVerdictOfItsLimit) {
  policy::Limits limits;
  limits.trace_overflow_kills.value = true;
  struct Case {
    proto::SelfLimit limit;
    proto::Verdict verdict;
    const char* name;
  };
  limits.steps.value = 1000;
  for (const Case& one : {Case{proto::SELF_LIMIT_STEPS, proto::VERDICT_STEPS, "steps"},
                          Case{proto::SELF_LIMIT_MEMORY, proto::VERDICT_MEMORY, "memory"},
                          Case{proto::SELF_LIMIT_CALL_DEPTH, proto::VERDICT_CALL_DEPTH, "depth"},
                          Case{proto::SELF_LIMIT_OUTPUT, proto::VERDICT_OUTPUT, "output"},
                          Case{proto::SELF_LIMIT_TRACE, proto::VERDICT_TRACE, "trace"}}) {
    auto cause = CauseOfSelfLimit(Hit(one.limit, 1ull << 40), limits, {});
    ASSERT_TRUE(cause) << one.name;
    EXPECT_EQ(cause->verdict, one.verdict);
    EXPECT_EQ(cause->limit, one.name);
  }
}

TEST(SelfLimitTest, AWorkerCannotClaimALimitThatItDidNotReach) {
  policy::Limits limits;
  EXPECT_FALSE(
      CauseOfSelfLimit(Hit(proto::SELF_LIMIT_OUTPUT, limits.output_bytes.value), limits, {}));
  // A trace that drops is never a reason.
  EXPECT_FALSE(CauseOfSelfLimit(Hit(proto::SELF_LIMIT_TRACE, 1ull << 40), limits, {}));
  EXPECT_FALSE(CauseOfSelfLimit(Hit(proto::SELF_LIMIT_UNSPECIFIED, 1), limits, {}));
  EXPECT_FALSE(CauseOfSelfLimit(Hit(static_cast<proto::SelfLimit>(77), 1), limits, {}));
}

TEST(SelfLimitTest, ASoftStopIsBelievedWhereItsTimeHadCome) {
  policy::Limits limits;
  limits.wall.value = std::chrono::seconds(1);
  limits.cpu.value = std::chrono::seconds(1);
  policy::RunUsage late{.wall = std::chrono::milliseconds(990),
                        .cpu = std::chrono::milliseconds(990)};
  policy::RunUsage early{.wall = std::chrono::milliseconds(900),
                         .cpu = std::chrono::milliseconds(400)};
  auto wall = CauseOfSelfLimit(Hit(proto::SELF_LIMIT_WALL, 0), limits, late);
  ASSERT_TRUE(wall);
  EXPECT_EQ(wall->verdict, proto::VERDICT_WALL_TIME);
  EXPECT_EQ(
      wall->sentence,
      "used 0.990 s of wall time and was stopped softly; limit wall = 1s (built in, default)");
  auto cpu = CauseOfSelfLimit(Hit(proto::SELF_LIMIT_CPU, 0), limits, late);
  ASSERT_TRUE(cpu);
  EXPECT_EQ(cpu->verdict, proto::VERDICT_CPU_TIME);
  for (proto::SelfLimit limit : {proto::SELF_LIMIT_WALL, proto::SELF_LIMIT_CPU})
    EXPECT_FALSE(CauseOfSelfLimit(Hit(limit, 0), limits, early)) << limit;
  limits.soft_stop.value = policy::Micros(0);
  for (proto::SelfLimit limit : {proto::SELF_LIMIT_WALL, proto::SELF_LIMIT_CPU})
    EXPECT_FALSE(CauseOfSelfLimit(Hit(limit, 0), limits, late)) << limit;
  EXPECT_FALSE(CauseOfSelfLimit(Hit(proto::SELF_LIMIT_MEMORY, 1 << 20), limits, late));
}

TEST(SelfLimitTest, AStackThatIsUsedUpBelowTheLimitIsTakenAtItsWord) {
  policy::Limits limits;
  auto cause = CauseOfSelfLimit(Hit(proto::SELF_LIMIT_CALL_DEPTH, 900), limits, {});
  ASSERT_TRUE(cause);
  EXPECT_EQ(cause->verdict, proto::VERDICT_CALL_DEPTH);
  EXPECT_EQ(cause->limit, "depth");
  EXPECT_NE(cause->sentence.find("900"), std::string::npos);
}

class SeenTest : public IncidentTest {
 protected:
  SeenTest() { facts_.seen = &seen_; }
  RunSeen seen_;
};

TEST_F(SeenTest, HasTheUsageOverItsTimeAndWhatTheKernelCounted) {
  seen_.usage = {{std::chrono::milliseconds(50), 40'000, 4096, 1},
                 {std::chrono::milliseconds(90), 80'000, 8192, 2}};
  seen_.events.memory_max = 7;
  seen_.events.pids_denied = 0;
  proto::Incident incident = MakeIncident(facts_);
  ASSERT_EQ(incident.usage_over_time_size(), 2);
  EXPECT_EQ(incident.usage_over_time(0).at_us(), 50'000u);
  EXPECT_EQ(incident.usage_over_time(0).cpu_us(), 40'000u);
  EXPECT_EQ(incident.usage_over_time(1).memory_bytes(), 8192u);
  EXPECT_EQ(incident.usage_over_time(1).pids(), 2u);
  EXPECT_EQ(incident.events().memory_max(), 7u);
  EXPECT_TRUE(incident.events().has_pids_denied());
  EXPECT_FALSE(incident.events().has_memory_oom());  // this host does not count it
}

TEST_F(SeenTest, HoldUpsCountFromTheFirstLook) {
  seen_.events.canvas_throttled = 9;
  seen_.events.canvas_throttled_us = 9000;
  seen_.events.cpu_stalled_us = 500;
  seen_.events.memory_stalled_us = 5;
  proto::Incident incident = MakeIncident(facts_);
  EXPECT_FALSE(incident.events().has_canvas_throttled());
  ASSERT_EQ(incident.left_out_size(), 1);
  EXPECT_EQ(incident.left_out(0), "hold-ups: it ended before the first look at them");
  Watchdog::FirstLook first;
  first.at = std::chrono::milliseconds(50);
  first.events.canvas_throttled = 7;
  first.events.canvas_throttled_us = 6000;
  first.events.cpu_stalled_us = 600;  // counters never go back; if one did, nothing is claimed
  seen_.first_look = first;
  incident = MakeIncident(facts_);
  EXPECT_EQ(incident.events().counted_from_us(), 50'000u);
  EXPECT_EQ(incident.events().canvas_throttled(), 2u);
  EXPECT_EQ(incident.events().canvas_throttled_us(), 3000u);
  EXPECT_EQ(incident.events().cpu_stalled_us(), 0u);
  EXPECT_FALSE(incident.events().has_memory_stalled_us());
  EXPECT_EQ(incident.left_out_size(), 0);
}

TEST_F(SeenTest, HasTheProcessesOfAProgram) {
  ProcessLook look;
  look.in_all = 40;
  look.processes.emplace_back().set_command("/bin/sh");
  look.left_out = {"wait channels: no"};
  seen_.processes = look;
  proto::Incident incident = MakeIncident(facts_);
  EXPECT_EQ(incident.processes_in_all(), 40u);
  ASSERT_EQ(incident.processes_size(), 1);
  EXPECT_EQ(incident.processes(0).command(), "/bin/sh");
  ASSERT_EQ(incident.left_out_size(), 1);
}

}  // namespace
}  // namespace nightjar
