// Runs that are ended: by a limit, an operator, a stop; and what else happens in that moment.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipc/ring/layout.h"
#include "ipc/ring/producer.h"
#include "tests/unit/run/run_rig.h"

namespace nightjar::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;

class KillTest : public RunRig {
 protected:
  // An operator's kill; the verdict that he is told is kept.
  Status Kill(const Call& call) {
    return runs_.Kill(call.id, "uid 0 pid 7",
                      [this](const RunResult& result) { told_.push_back(result.verdict); });
  }
  // The worker's ring says that it traced 70 events of the run, and dropped 20 of them.
  static void ShowTraced(FakeWorker& worker, const Call& call, uint64_t bytes) {
    auto ring = Mapping::Create(worker.ring, RingBytes(), Mapping::Access::kReadWrite);
    ASSERT_TRUE(ring);
    RingProducer producer(ring->bytes());
    producer.StartRun(call.id);
    producer.ShowCounters(70, bytes, 20);
  }
  std::vector<proto::Verdict> told_;
};

TEST_F(KillTest, TheWallLimitEndsARunThatSaysNothing) {
  limits_.wall = {milliseconds(10), {"policy.toml:4", "canvas demo"}};
  Call& call = Start();
  FakeWorker& worker = Running(call);
  std::vector<std::string> done;
  FakeCell& cell = *worker.cell;
  cell.usage.cpu_us = 5000;
  cell.on_kill = [&] {
    done = cell.done;
    worker.process.Signal(SIGKILL);
  };
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_WALL_TIME);
  EXPECT_EQ(call.result.status, 504u);
  EXPECT_THAT(done, ElementsAre("lift", "freeze", "kill"));
  const proto::Incident& incident = Ended(call).incident();
  EXPECT_EQ(incident.broken().name(), "wall");
  EXPECT_EQ(incident.broken().source(), "policy.toml:4");
  EXPECT_EQ(incident.broken().value(), "10ms");
  EXPECT_EQ(incident.exit_signal(), SIGKILL);
  EXPECT_EQ(incident.usage().cpu_us(), 5000u);
  EXPECT_GE(incident.usage().wall_us(), 10'000u);
}

TEST_F(KillTest, TheCpuLimitIsTheCellsCounter) {
  limits_.cpu.value = milliseconds(2);
  Call& call = Start();
  Running(call).cell->usage.cpu_us = 2'500;
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_CPU_TIME);
  EXPECT_EQ(call.result.status, 500u);
}

// Accounts and abuse rules count what a killed run traced too.
TEST_F(KillTest, WhatItTracedIsReadFromItsRing) {
  limits_.wall.value = milliseconds(10);
  Call& call = Start();
  FakeWorker& worker = Running(call);
  ShowTraced(worker, call, 4000);
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.usage.trace_events(), 70u);
  EXPECT_EQ(call.result.usage.trace_bytes(), 4000u);
  EXPECT_EQ(call.result.usage.trace_dropped(), 20u);
  EXPECT_EQ(Ended(call).incident().usage().trace_events(), 70u);
}

TEST_F(KillTest, OfARingThatSaysMoreThanFitsNothingIsCounted) {
  limits_.wall.value = milliseconds(10);
  Call& call = Start();
  FakeWorker& worker = Running(call);
  ShowTraced(worker, call, limits_.trace_bytes.value + 1);
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.usage.trace_events(), 0u);
}

TEST_F(KillTest, AnOperatorEndsARunningRun) {
  Call& call = Start();
  Running(call);
  ASSERT_TRUE(Kill(call));
  EXPECT_TRUE(told_.empty());  // not before it is gone
  ASSERT_TRUE(UntilOver(call));
  EXPECT_THAT(told_, ElementsAre(proto::VERDICT_OPERATOR));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_OPERATOR);
  EXPECT_EQ(call.result.status, 503u);
  EXPECT_NE(call.result.detail.find("uid 0 pid 7"), std::string::npos);
}

TEST_F(KillTest, AnOperatorEndsAQueuedRunWithoutAWorker) {
  zygote_.manner = FakeZygote::Manner::kHolds;
  Call& call = Start();
  ASSERT_TRUE(Until([&] { return zygote_.workers.size() == 1; }));
  ASSERT_TRUE(Kill(call));
  EXPECT_EQ(call.answers, 1);
  EXPECT_THAT(told_, ElementsAre(proto::VERDICT_OPERATOR));
  EXPECT_EQ(Ended(call).worker_id(), 0u);
  EXPECT_TRUE(journal_.began.empty());
  // Its worker comes, and finds nobody.
  zygote_.Answer(1, FakeZygote::Manner::kArms);
  ASSERT_TRUE(UntilArmed(1));
  EXPECT_EQ(call.answers, 1);
  EXPECT_EQ(pool_.CountsOf("demo").waiting, 0u);
}

TEST_F(KillTest, TwoOperatorsAreBothToldTheOneVerdict) {
  Call& call = Start();
  Running(call);
  ASSERT_TRUE(Kill(call));
  ASSERT_TRUE(Kill(call));
  ASSERT_TRUE(UntilOver(call));
  EXPECT_THAT(told_, ElementsAre(proto::VERDICT_OPERATOR, proto::VERDICT_OPERATOR));
}

TEST_F(KillTest, ARunThatHasEndedIsNotFound) {
  Call& call = Start();
  Running(call).Say(Finished(call));
  ASSERT_TRUE(UntilAnswered(call));
  Status found = Kill(call);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(call.result.verdict, proto::VERDICT_FINISHED);
}

// The answer lies in the socket, and the kill is seen first: the kill stands, however the process
// ends.
TEST_F(KillTest, AnAnswerAfterTheKillDoesNotCount) {
  Call& call = Start();
  FakeWorker& worker = Running(call);
  worker.Say(Finished(call));
  ASSERT_TRUE(Kill(call));
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_OPERATOR);
  EXPECT_EQ(call.result.body, "");
  EXPECT_EQ(call.result.status, 503u);
}

TEST_F(KillTest, TheFirstCauseStands) {
  limits_.wall.value = milliseconds(5);
  Call& call = Start();
  FakeWorker& worker = Running(call);
  worker.cell->immortal = true;  // the kill takes its time
  ASSERT_TRUE(Until([&] {
    const auto live = runs_.Live();
    return live.size() == 1 && live[0]->state() == Run::State::kKilling;
  }));
  ASSERT_TRUE(Kill(call));
  worker.SayBytes("\xff\xff");
  Settle();
  EXPECT_EQ(call.answers, 0);
  worker.Die(SIGKILL);
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_WALL_TIME);
  EXPECT_THAT(told_, ElementsAre(proto::VERDICT_WALL_TIME));
}

TEST_F(KillTest, ADeathThatWasOnItsWayDoesNotHideTheOperator) {
  Call& call = Start();
  FakeWorker& worker = Running(call);
  worker.Die(SIGSEGV);
  ASSERT_TRUE(Kill(call));
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_OPERATOR);
  EXPECT_THAT(told_, ElementsAre(proto::VERDICT_OPERATOR));
}

TEST_F(KillTest, ARunThatWaitsTooLongForAWorkerIsRefused) {
  zygote_.manner = FakeZygote::Manner::kHolds;
  limits_.queue_time.value = milliseconds(5);
  Call& call = Start();
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_REFUSED);
  EXPECT_EQ(call.result.status, 503u);
  const proto::Incident& incident = Ended(call).incident();
  EXPECT_EQ(incident.refusal().kind(), proto::REFUSAL_QUEUE_TIME);
  EXPECT_EQ(incident.broken().name(), "queue_time");
  EXPECT_GE(incident.usage().queue_us(), 5000u);
  EXPECT_EQ(incident.usage().wall_us(), 0u);
  EXPECT_EQ(metrics_.Of("demo").refused, 1u);
  EXPECT_EQ(metrics_.Of("demo").killed, 0u);
}

// The worker does not die: the caller is answered all the same, and the incident says so.
TEST_F(KillTest, AWorkerThatDoesNotDieIsQuarantinedAndTheRunStillEnds) {
  Call& call = Start();
  FakeWorker& worker = Running(call);
  worker.cell->immortal = true;
  ASSERT_TRUE(Kill(call));
  ASSERT_TRUE(UntilAnswered(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_OPERATOR);
  EXPECT_TRUE(Ended(call).incident().kill().quarantined());
  Settle();
  EXPECT_EQ(factory_.live(), 0u);
  EXPECT_EQ(factory_.quarantined("demo"), 1u);
  EXPECT_EQ(call.answers, 1);
}

class DrainTest : public KillTest {
 protected:
  void Drain(Nanos patience) {
    runs_.Drain(patience, [this] { ++drained_; });
  }
  int drained_ = 0;
};

TEST_F(DrainTest, WithoutRunsItIsDoneAtOnce) {
  Drain(seconds(60));
  EXPECT_EQ(drained_, 1);
}

TEST_F(DrainTest, LetsRunsFinish) {
  Call& one = Start();
  Call& two = Start();
  FakeWorker& first = Running(one);
  FakeWorker& second = Running(two);
  Drain(seconds(60));
  first.Say(Finished(one));
  ASSERT_TRUE(UntilOver(one));
  EXPECT_EQ(drained_, 0);
  second.Say(Finished(two));
  ASSERT_TRUE(UntilOver(two));
  EXPECT_EQ(two.result.verdict, proto::VERDICT_FINISHED);
  EXPECT_EQ(drained_, 1);
}

TEST_F(DrainTest, EndsWhatIsNotDoneInTimeRunningOrQueued) {
  Call& running = Start();
  Running(running);
  zygote_.manner = FakeZygote::Manner::kHolds;
  Call& queued = Start();
  Drain(milliseconds(3));
  ASSERT_TRUE(Until([&] { return drained_ == 1; }));
  for (const Call* call : {&running, &queued}) {
    EXPECT_EQ(call->answers, 1);
    EXPECT_EQ(call->result.verdict, proto::VERDICT_STOPPING);
    EXPECT_EQ(call->result.status, 503u);
    EXPECT_TRUE(Ended(*call).has_incident());
  }
  Settle();
  EXPECT_EQ(drained_, 1);
}

// `nightjar run` still reaches the control socket during a stop: it must not hold the stop up for
// as long as its own limits allow.
TEST_F(DrainTest, ARunThatComesAfterTheStopBeganEndsAtOnce) {
  Call& running = Start();
  FakeWorker& worker = Running(running);
  Drain(seconds(60));
  Call& late = Start();
  EXPECT_EQ(late.answers, 1);
  EXPECT_EQ(late.result.verdict, proto::VERDICT_STOPPING);
  EXPECT_EQ(drained_, 0);
  worker.Say(Finished(running));
  ASSERT_TRUE(UntilOver(running));
  EXPECT_EQ(drained_, 1);
  Call& later = Start();
  EXPECT_EQ(later.result.verdict, proto::VERDICT_STOPPING);
  EXPECT_EQ(drained_, 1);
}

}  // namespace
}  // namespace nightjar::testing
