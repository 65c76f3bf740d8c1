// Who gets which worker, and who waits.

#include <gtest/gtest.h>

#include "tests/unit/pool/pool_rig.h"

namespace nightjar::testing {
namespace {

using LendingTest = PoolRig;
using std::chrono::seconds;

TEST_F(LendingTest, AnArmedWorkerIsLentAtOnce) {
  limits_.armed.value = 2;
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilArmed(2));
  Borrower& borrower = Ask(first_);
  ASSERT_NE(borrower.worker, nullptr);  // before the loop turned
  EXPECT_EQ(borrower.worker->revision, first_);
  EXPECT_EQ(borrower.worker->runs, 1u);
  EXPECT_EQ(pool_.CountsOf("demo").lent, 1u);
  EXPECT_EQ(pool_.CountsOf("demo").armed, 1u);
}

TEST_F(LendingTest, AWorkerIsToldItsProgramAndGivenWhatItNeeds) {
  limits_.memory_bytes.value = 32 << 20;
  limits_.pids.value = 3;
  limits_.canvas_cpus.value = 1.5;
  limits_.canvas_cpu_burst.value = std::chrono::milliseconds(20);
  limits_.canvas_disk_read_bytes.value = 1 << 20;
  Borrower& borrower = Ask(first_);
  ASSERT_TRUE(UntilLent(borrower));
  FakeWorker& worker = zygote_.last();
  auto arm = worker.Hear();
  ASSERT_TRUE(arm && arm->has_arm());
  EXPECT_EQ(arm->arm().canvas(), "demo");
  EXPECT_EQ(arm->arm().revision(), 1u);
  EXPECT_EQ(arm->arm().program_bytes(), 7u);
  ASSERT_EQ(worker.heard_fds.size(), 1u);
  EXPECT_EQ(*ReadForeignMemfd(worker.heard_fds[0], 100), "program");
  EXPECT_EQ(worker.uid, kFirstUid);
  EXPECT_EQ(cells_.lent.at(worker.cell->name()).limits.memory_bytes, 32u << 20);
  EXPECT_EQ(cells_.lent.at(worker.cell->name()).limits.pids, 3u);
  EXPECT_EQ(cells_.lent.at(worker.cell->name()).canvas_limits.cpus, 1.5);
  EXPECT_EQ(cells_.lent.at(worker.cell->name()).canvas_limits.cpu_burst_us, 20'000u);
  EXPECT_EQ(cells_.lent.at(worker.cell->name()).canvas_limits.disk_read_bytes, 1u << 20);
  EXPECT_TRUE(cells_.lent.at(worker.cell->name()).limits.reads_limited);
  EXPECT_EQ(journal_.order, std::vector<std::string>{"attach 1"});
}

TEST_F(LendingTest, ThoseWhoWaitAreServedInTheirOrder) {
  zygote_.manner = FakeZygote::Manner::kBears;
  Borrower& one = Ask(first_);
  Borrower& two = Ask(first_);
  Borrower& three = Ask(first_);
  EXPECT_EQ(pool_.CountsOf("demo").waiting, 3u);
  ASSERT_TRUE(Until([&] { return zygote_.workers.size() == 3; }));
  // Whichever is ready first goes to whoever came first.
  zygote_.workers[2]->SayArmed();
  ASSERT_TRUE(UntilLent(one));
  EXPECT_EQ(one.worker->id(), zygote_.workers[2]->id);
  zygote_.workers[0]->SayArmed();
  ASSERT_TRUE(UntilLent(two));
  EXPECT_EQ(two.worker->id(), zygote_.workers[0]->id);
  EXPECT_EQ(three.answers, 0);
  EXPECT_EQ(pool_.CountsOf("demo").waiting, 1u);
}

TEST_F(LendingTest, OneIsStartedForEachWhoWaitsAndTheReserveBeside) {
  limits_.armed.value = 2;
  for (int i = 0; i < 3; ++i) Ask(first_);
  ASSERT_TRUE(Until([&] { return pool_.CountsOf("demo").lent == 3; }));
  ASSERT_TRUE(UntilArmed(2));
  Settle();
  EXPECT_EQ(zygote_.workers.size(), 5u);
}

TEST_F(LendingTest, WhoeverLeavesTheQueueIsNotCalled) {
  Borrower& gone = Ask(first_);
  Borrower& stays = Ask(first_);
  pool_.Cancel(gone.ticket);
  pool_.Cancel(gone.ticket);
  pool_.Cancel(nullptr);
  ASSERT_TRUE(UntilLent(stays));
  Settle();
  EXPECT_EQ(gone.answers, 0);
  EXPECT_EQ(pool_.CountsOf("demo").waiting, 0u);
}

TEST_F(LendingTest, AWorkerOfSomebodyWhoLeftIsTheNextOnes) {
  zygote_.manner = FakeZygote::Manner::kBears;
  Borrower& gone = Ask(first_);
  ASSERT_TRUE(Until([&] { return zygote_.workers.size() == 1; }));
  pool_.Cancel(gone.ticket);
  zygote_.last().SayArmed();
  ASSERT_TRUE(UntilArmed(1));
  Borrower& next = Ask(first_);
  EXPECT_NE(next.worker, nullptr);
}

TEST_F(LendingTest, AWorkerServesAsManyRunsAsReuseAllows) {
  limits_.reuse.value = 3;
  Borrower& one = Ask(first_);
  ASSERT_TRUE(UntilLent(one));
  WorkerId id = one.worker->id();
  GiveBack(one);
  for (uint64_t run = 2; run <= 3; ++run) {
    Borrower& again = Ask(first_);
    ASSERT_NE(again.worker, nullptr) << run;
    EXPECT_EQ(again.worker->id(), id);
    EXPECT_EQ(again.worker->runs, run);
    GiveBack(again);
  }
  ASSERT_TRUE(UntilLive(0));
  Borrower& fresh = Ask(first_);
  ASSERT_TRUE(UntilLent(fresh));
  EXPECT_NE(fresh.worker->id(), id);
}

TEST_F(LendingTest, WithoutReuseEachRunGetsAFreshWorkerInAFreshCell) {
  Borrower& one = Ask(first_);
  ASSERT_TRUE(UntilLent(one));
  GiveBack(one);
  ASSERT_TRUE(UntilLive(0));
  EXPECT_EQ(cells_.released, 1u);
  EXPECT_EQ(journal_.order, (std::vector<std::string>{"attach 1", "detach 1"}));
  Borrower& two = Ask(first_);
  ASSERT_TRUE(UntilLent(two));
  EXPECT_EQ(two.worker->id(), 2u);
  EXPECT_NE(two.worker->uid(), kFirstUid);  // the longest free comes first
}

TEST_F(LendingTest, AReusedWorkerGoesStraightToWhoeverWaits) {
  limits_.reuse.value = 10;
  Borrower& one = Ask(first_);
  ASSERT_TRUE(UntilLent(one));
  zygote_.manner = FakeZygote::Manner::kHolds;  // no other is coming
  Borrower& waits = Ask(first_);
  GiveBack(one);
  ASSERT_NE(waits.worker, nullptr);
  EXPECT_EQ(waits.worker->id(), 1u);
}

// What a run used is told from what the cell counted before it.
TEST_F(LendingTest, WhatACellCountedBeforeARunIsRemembered) {
  limits_.reuse.value = 10;
  Borrower& one = Ask(first_);
  ASSERT_TRUE(UntilLent(one));
  Played(one).cell->usage.cpu_us = 1234;
  GiveBack(one);
  Borrower& two = Ask(first_);
  ASSERT_NE(two.worker, nullptr);
  EXPECT_EQ(two.worker->usage_before_run.cpu_us, 1234u);
}

TEST_F(LendingTest, CanvasesDoNotShareWorkers) {
  limits_.armed.value = 1;
  limits_.reuse.value = 10;
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilArmed(1));
  zygote_.manner = FakeZygote::Manner::kHolds;
  Borrower& other = Ask(SomeRevision("other", 1));
  Settle();
  EXPECT_EQ(other.answers, 0);
  EXPECT_EQ(pool_.CountsOf("demo").armed, 1u);
}

TEST_F(LendingTest, AHandlerWithMemoryOfItsOwnGetsACellOfItsOwn) {
  limits_.armed.value = 1;
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilArmed(1));
  policy::Limits large = limits_;
  large.memory_bytes.value *= 4;
  Borrower& borrower = Ask(first_, large);
  EXPECT_EQ(borrower.answers, 0);
  ASSERT_TRUE(UntilLent(borrower));
  EXPECT_EQ(borrower.worker->cell_limits().memory_bytes, large.memory_bytes.value);
  EXPECT_EQ(pool_.CountsOf("demo").armed, 1u);
}

// The kernel's cpu limit of a process cannot be raised: with a worker that was made for less, a
// long run would die of SIGXCPU far below its own limit.
TEST_F(LendingTest, AHandlerThatMayUseMoreCpuIsNotLentAWorkerMadeForLess) {
  limits_.cpu.value = seconds(2);
  limits_.armed.value = 1;
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilArmed(1));
  policy::Limits longer = limits_;
  longer.cpu.value = seconds(60);
  Borrower& borrower = Ask(first_, longer);
  ASSERT_TRUE(UntilLent(borrower));
  EXPECT_GT(Played(borrower).cpu_seconds_max, 60u);
  // One that was made for more serves those who need less.
  policy::Limits less = limits_;
  less.cpu.value = seconds(1);
  EXPECT_NE(Ask(first_, less).worker, nullptr);
}

TEST_F(LendingTest, TheKernelsCpuLimitOutlastsAllRunsOfAWorker) {
  limits_.cpu.value = std::chrono::milliseconds(1500);
  limits_.reuse.value = 10;
  ASSERT_TRUE(UntilLent(Ask(first_)));
  EXPECT_GE(zygote_.last().cpu_seconds_max, 15u + 10u);
}

// Whoever knocks first after a restart must not decide what waits for everybody else.
TEST_F(LendingTest, TheReserveHasTheCanvasesLimitsWhoeverAsksFirst) {
  limits_.armed.value = 1;
  policy::Limits large = limits_;
  large.memory_bytes.value *= 4;
  ASSERT_TRUE(UntilLent(Ask(first_, large)));
  ASSERT_TRUE(UntilArmed(1));
  EXPECT_NE(Ask(first_).worker, nullptr);
}

// A worker that only one handler can have is no reserve for the others.
TEST_F(LendingTest, TheReserveCountsOnlyWhatTheCanvasCanUse) {
  limits_.armed.value = 1;
  limits_.reuse.value = 2;
  policy::Limits large = limits_;
  large.memory_bytes.value *= 4;
  Borrower& special = Ask(first_, large);
  ASSERT_TRUE(UntilLent(special));
  ASSERT_TRUE(UntilArmed(1));
  GiveBack(Ask(first_));
  Borrower& plain = Ask(first_);
  ASSERT_NE(plain.worker, nullptr);
  EXPECT_EQ(plain.worker->runs, 2u);  // its last: it will not come back
  special.worker->SetUser(nullptr);
  pool_.GiveBack(std::exchange(special.worker, nullptr), large);
  ASSERT_TRUE(UntilArmed(2));  // the special one, and a new reserve
  EXPECT_NE(Ask(first_).worker, nullptr);
  EXPECT_NE(Ask(first_, large).worker, nullptr);
}

TEST_F(LendingTest, AWorkerThatWillComeBackIsReserveEnough) {
  limits_.reuse.value = 10;
  ASSERT_TRUE(UntilLent(Ask(first_)));
  limits_.armed.value = 1;
  pool_.PolicyChanged();
  pool_.Sweep();
  Settle();
  EXPECT_EQ(zygote_.workers.size(), 1u);
  // But not for a program that it does not have.
  pool_.Refresh(second_);
  ASSERT_TRUE(UntilArmed(1));
  EXPECT_EQ(zygote_.workers.size(), 2u);
}

TEST_F(LendingTest, NoMoreAreLentAtOnceThanConcurrencyAllows) {
  limits_.armed.value = 2;
  limits_.concurrency.value = 2;
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilArmed(2));
  Borrower& one = Ask(first_);
  Borrower& two = Ask(first_);
  Borrower& three = Ask(first_);
  Borrower& four = Ask(first_);
  EXPECT_NE(one.worker, nullptr);
  EXPECT_NE(two.worker, nullptr);
  ASSERT_TRUE(UntilArmed(2));  // the reserve is there again
  Settle();
  EXPECT_EQ(three.answers, 0);
  EXPECT_EQ(zygote_.workers.size(), 4u);  // none was started for those who wait for their turn
  GiveBack(one);
  EXPECT_NE(three.worker, nullptr);
  EXPECT_EQ(four.answers, 0);
  Played(two).Die(SIGSEGV);
  ASSERT_TRUE(Until([&] { return two.death.has_value(); }));
  pool_.Gone(two.worker, *two.death);
  EXPECT_NE(four.worker, nullptr);
}

// Workers that are still being armed for the reserve are no runs: a request that none of them fits
// does not wait for them.
TEST_F(LendingTest, AReserveThatIsStartingHoldsNobodyUp) {
  limits_.armed.value = 2;
  limits_.concurrency.value = 2;
  zygote_.manner = FakeZygote::Manner::kBears;
  pool_.Refresh(first_);
  ASSERT_TRUE(Until([&] { return zygote_.workers.size() == 2; }));
  zygote_.manner = FakeZygote::Manner::kArms;
  policy::Limits large = limits_;
  large.memory_bytes.value *= 4;
  Borrower& special = Ask(first_, large);
  EXPECT_TRUE(UntilLent(special));
}

TEST_F(LendingTest, AWorkerThatDiesInItsBorrowersHandsIsBuriedOnce) {
  Borrower& borrower = Ask(first_);
  ASSERT_TRUE(UntilLent(borrower));
  Played(borrower).Die(SIGSEGV);
  ASSERT_TRUE(Until([&] { return borrower.death.has_value(); }));
  EXPECT_EQ(borrower.death->exit.signal, SIGSEGV);
  EXPECT_EQ(factory_.live(), 1u);  // until the borrower says so
  pool_.Gone(borrower.worker, *borrower.death);
  Settle();
  EXPECT_EQ(factory_.live(), 0u);
  EXPECT_EQ(pool_.CountsOf("demo").lent, 0u);
  EXPECT_EQ(cells_.released, 1u);
}

TEST_F(LendingTest, AnEnginesWorkersServeItsHandlersOnly) {
  limits_.exec.value = true;
  limits_.tmp_bytes.value = 1 << 20;
  limits_.armed.value = 1;
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilArmed(1));
  Borrower& program = Ask(first_, limits_, proto::ENGINE_EXEC);
  EXPECT_EQ(program.worker, nullptr);  // what waits is an interpreter
  ASSERT_TRUE(UntilLent(program));
  EXPECT_EQ(Played(program).tmp_bytes, 1u << 20);
  Borrower& interpreted = Ask(first_, limits_, proto::ENGINE_DARK);
  ASSERT_TRUE(UntilLent(interpreted));
  EXPECT_EQ(Played(interpreted).tmp_bytes, 0u);
}

TEST_F(LendingTest, AProgramsWorkerServesOneRun) {
  limits_.exec.value = true;
  limits_.reuse.value = 100;
  Borrower& program = Ask(first_, limits_, proto::ENGINE_EXEC);
  ASSERT_TRUE(UntilLent(program));
  GiveBack(program);
  ASSERT_TRUE(UntilLive(0));
}

TEST_F(LendingTest, TheReserveHasTheEngineThatWasAskedForLast) {
  limits_.exec.value = true;
  limits_.armed.value = 1;
  Borrower& program = Ask(first_, limits_, proto::ENGINE_EXEC);
  ASSERT_TRUE(UntilLent(program));
  GiveBack(program);
  ASSERT_TRUE(UntilArmed(1));
  EXPECT_NE(Ask(first_, limits_, proto::ENGINE_EXEC).worker, nullptr);
}

TEST_F(LendingTest, WithoutLeaveNoWorkerForProgramsIsKept) {
  limits_.exec.value = true;
  limits_.armed.value = 1;
  Borrower& program = Ask(first_, limits_, proto::ENGINE_EXEC);
  ASSERT_TRUE(UntilLent(program));
  limits_.exec.value = false;
  pool_.PolicyChanged();
  GiveBack(program);
  ASSERT_TRUE(UntilLive(0));
  Settle();
  EXPECT_EQ(pool_.CountsOf("demo").starting, 0u);
}

}  // namespace
}  // namespace nightjar::testing
