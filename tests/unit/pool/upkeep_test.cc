// What the pool keeps ready, and when it lets it go.

#include <gtest/gtest.h>

#include "tests/unit/pool/pool_rig.h"

namespace nightjar::testing {
namespace {

using std::chrono::milliseconds;

class UpkeepTest : public PoolRig {
 protected:
  UpkeepTest() { limits_.armed.value = 2; }
  void GoIdle() { clock_.Advance(Nanos(limits_.idle.value) + milliseconds(1)); }
};

TEST_F(UpkeepTest, ANewRevisionReplacesWhatWaits) {
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilArmed(2));
  pool_.Refresh(second_);
  ASSERT_TRUE(UntilLive(2));
  ASSERT_TRUE(UntilArmed(2));
  Borrower& borrower = Ask(second_);
  ASSERT_NE(borrower.worker, nullptr);
  EXPECT_EQ(borrower.worker->revision, second_);
}

TEST_F(UpkeepTest, ANewRevisionReplacesWhatIsStillStarting) {
  zygote_.manner = FakeZygote::Manner::kBears;
  pool_.Refresh(first_);
  ASSERT_TRUE(Until([&] { return zygote_.workers.size() == 2; }));
  zygote_.manner = FakeZygote::Manner::kArms;
  pool_.Refresh(second_);
  ASSERT_TRUE(UntilArmed(2));
  ASSERT_TRUE(UntilLive(2));
  EXPECT_NE(Ask(second_).worker, nullptr);
}

TEST_F(UpkeepTest, AWorkerOfAnOldRevisionIsNotKeptAfterItsRun) {
  limits_.reuse.value = 100;
  Borrower& borrower = Ask(first_);
  ASSERT_TRUE(UntilLent(borrower));
  pool_.Refresh(second_);
  GiveBack(borrower);
  ASSERT_TRUE(UntilArmed(2));
  ASSERT_TRUE(UntilLive(2));
  EXPECT_NE(Ask(second_).worker, nullptr);
}

// A request that came before the deploy is answered by the program it came for; nothing of that
// program stays behind.
TEST_F(UpkeepTest, WhoWaitsForAnOldRevisionStillGetsItAndThenItIsGone) {
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilArmed(2));
  policy::Limits large = limits_;
  large.memory_bytes.value *= 4;
  zygote_.manner = FakeZygote::Manner::kHolds;
  Borrower& waits = Ask(first_, large);
  ASSERT_TRUE(Until([&] { return zygote_.workers.size() == 3; }));
  FakeWorker& awaited = zygote_.last();
  zygote_.manner = FakeZygote::Manner::kArms;
  pool_.Refresh(second_);
  zygote_.Answer(awaited.id, FakeZygote::Manner::kArms);
  ASSERT_TRUE(UntilLent(waits));
  EXPECT_EQ(waits.worker->revision, first_);
  ASSERT_TRUE(UntilArmed(2));
  ASSERT_TRUE(UntilLive(3));
  for (int i = 0; i < 2; ++i) EXPECT_NE(Ask(second_).worker, nullptr) << i;
}

TEST_F(UpkeepTest, WhatWasStartedForSomebodyWhoLeftDoesNotOutliveItsRevision) {
  zygote_.manner = FakeZygote::Manner::kBears;
  limits_.armed.value = 0;
  Borrower& leaves = Ask(first_);
  ASSERT_TRUE(Until([&] { return zygote_.workers.size() == 1; }));
  pool_.Refresh(second_);
  zygote_.last().SaySealed();
  Settle();
  EXPECT_EQ(factory_.live(), 1u);  // it is awaited
  pool_.Cancel(leaves.ticket);
  zygote_.last().SayArmed();
  ASSERT_TRUE(UntilArmed(1));
  pool_.Sweep();
  ASSERT_TRUE(UntilLive(0));
}

TEST_F(UpkeepTest, AnIdleCanvasCostsNoProcess) {
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilArmed(2));
  clock_.Advance(Nanos(limits_.idle.value) - milliseconds(1));
  pool_.Sweep();
  Settle();
  EXPECT_EQ(pool_.CountsOf("demo").armed, 2u);
  clock_.Advance(milliseconds(2));
  pool_.Sweep();
  ASSERT_TRUE(UntilLive(0));
  pool_.Sweep();
  Settle();
  EXPECT_EQ(factory_.live(), 0u);
}

TEST_F(UpkeepTest, ARequestWakesAnIdleCanvas) {
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilArmed(2));
  GoIdle();
  pool_.Sweep();
  ASSERT_TRUE(UntilLive(0));
  Borrower& borrower = Ask(first_);
  ASSERT_TRUE(UntilLent(borrower));
  ASSERT_TRUE(UntilArmed(2));
}

TEST_F(UpkeepTest, ALentWorkerIsNobodysToLetGo) {
  Borrower& borrower = Ask(first_);
  ASSERT_TRUE(UntilLent(borrower));
  GoIdle();
  pool_.Sweep();
  ASSERT_TRUE(UntilLive(1));
  Settle();
  EXPECT_FALSE(borrower.death);
  EXPECT_EQ(pool_.CountsOf("demo").lent, 1u);
}

TEST_F(UpkeepTest, ASweepFillsWhatWasLent) {
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilArmed(2));
  ASSERT_NE(Ask(first_).worker, nullptr);
  Settle();
  EXPECT_EQ(pool_.CountsOf("demo").armed, 1u);  // no fork delays the answer
  pool_.Sweep();
  ASSERT_TRUE(UntilArmed(2));
}

TEST_F(UpkeepTest, WhatARushLeftBehindGoesOneASweepAndTheSpecialFirst) {
  limits_.reuse.value = 10;
  policy::Limits large = limits_;
  large.memory_bytes.value *= 4;
  std::vector<Borrower*> rush;
  for (int i = 0; i < 3; ++i) rush.push_back(&Ask(first_));
  Borrower& special = Ask(first_, large);
  for (Borrower* borrower : rush) ASSERT_TRUE(UntilLent(*borrower));
  ASSERT_TRUE(UntilLent(special));
  for (Borrower* borrower : rush) GiveBack(*borrower);
  special.worker->SetUser(nullptr);
  pool_.GiveBack(special.worker, large);
  ASSERT_TRUE(UntilArmed(6));  // with the reserve that was made meanwhile
  pool_.Sweep();
  ASSERT_TRUE(UntilLive(5));
  zygote_.manner = FakeZygote::Manner::kFails;
  EXPECT_TRUE(UntilFailed(Ask(first_, large)));  // that one is gone
  for (size_t left : {4u, 3u, 2u, 2u}) {
    pool_.Sweep();
    ASSERT_TRUE(UntilLive(left));
    Settle();
    EXPECT_EQ(pool_.CountsOf("demo").armed, left);
  }
}

TEST_F(UpkeepTest, AnotherPolicyReplacesWhatWaitsWithTheOldLimits) {
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilArmed(2));
  limits_.memory_bytes.value *= 2;
  pool_.PolicyChanged();
  ASSERT_TRUE(UntilLive(2));
  ASSERT_TRUE(UntilArmed(2));
  EXPECT_NE(Ask(first_).worker, nullptr);
}

// What an operator decides about one canvas.
TEST_F(UpkeepTest, OtherLimitsOfOneCanvasLeaveTheOthersWorkers) {
  pool_.Refresh(first_);
  pool_.Refresh(SomeRevision("other", 1));
  ASSERT_TRUE(Until(
      [&] { return pool_.CountsOf("demo").armed == 2 && pool_.CountsOf("other").armed == 2; }));
  limits_.memory_bytes.value *= 2;
  pool_.PolicyChanged("demo");
  pool_.PolicyChanged("nobody");
  EXPECT_EQ(pool_.CountsOf("demo").armed, 0u);
  EXPECT_EQ(pool_.CountsOf("other").armed, 2u);
  ASSERT_TRUE(Until([&] { return pool_.CountsOf("demo").armed == 2; }));
  EXPECT_EQ(zygote_.workers.size(), 6u);  // none of the others' was replaced
}

TEST_F(UpkeepTest, AnotherPolicyMayAskForMoreOrForNothing) {
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilArmed(2));
  limits_.armed.value = 4;
  pool_.PolicyChanged();
  ASSERT_TRUE(UntilArmed(4));
  EXPECT_EQ(zygote_.workers.size(), 4u);  // those that fit were kept
  limits_.idle.value = milliseconds(100);
  pool_.PolicyChanged();
  clock_.Advance(milliseconds(101));
  pool_.Sweep();
  ASSERT_TRUE(UntilLive(0));
}

TEST_F(UpkeepTest, AnotherPolicyDoesNotWakeWhatSleeps) {
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilArmed(2));
  GoIdle();
  pool_.Sweep();
  ASSERT_TRUE(UntilLive(0));
  limits_.armed.value = 4;
  pool_.PolicyChanged();
  Settle();
  EXPECT_EQ(factory_.live(), 0u);
}

// A worker made for one run would reach the kernel's cpu limit in the middle of a later one.
TEST_F(UpkeepTest, AHigherReuseIsForWorkersMadeForIt) {
  limits_.reuse.value = 1;
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilArmed(2));
  limits_.reuse.value = 100;
  pool_.PolicyChanged();
  ASSERT_TRUE(UntilArmed(2));
  Borrower& borrower = Ask(first_);
  ASSERT_NE(borrower.worker, nullptr);
  EXPECT_GE(borrower.worker->cpu_seconds_max(), 200u);
}

TEST_F(UpkeepTest, CloseEndsWhatWaitsAndAnswersWhoWaits) {
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilArmed(2));
  Borrower& lent = Ask(first_);
  zygote_.manner = FakeZygote::Manner::kBears;
  policy::Limits large = limits_;
  large.memory_bytes.value *= 4;
  Borrower& waits = Ask(first_, large);
  ASSERT_TRUE(Until([&] { return pool_.CountsOf("demo").starting > 0; }));
  pool_.Close();
  ASSERT_TRUE(waits.error);
  EXPECT_EQ(waits.error->code, ErrorCode::kUnavailable);
  EXPECT_EQ(waits.answers, 1);
  Borrower& late = Ask(first_);
  ASSERT_TRUE(late.error);
  EXPECT_EQ(late.error->code, ErrorCode::kUnavailable);
  ASSERT_TRUE(UntilLive(1));  // what is lent stays lent
  EXPECT_FALSE(lent.death);
  GiveBack(lent);
  ASSERT_TRUE(UntilLive(0));
  pool_.Sweep();
  pool_.Refresh(second_);
  Settle();
  EXPECT_EQ(factory_.live(), 0u);
}

}  // namespace
}  // namespace nightjar::testing
