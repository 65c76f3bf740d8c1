// Who is started next when more workers are wanted than a zygote makes at once.

#include <gtest/gtest.h>

#include "tests/unit/pool/pool_rig.h"

namespace nightjar::testing {
namespace {

class BusyZygoteTest : public PoolRig {
 protected:
  BusyZygoteTest() {
    limits_.concurrency.value = kUids;
    zygote_.manner = FakeZygote::Manner::kHolds;
  }

  void Wait(const RevisionPtr& revision, size_t requests,
            proto::EngineKind engine = proto::ENGINE_DARK) {
    for (size_t i = 0; i < requests; ++i) Ask(revision, limits_, engine);
    Settle();
  }
  // Of the oldest spawn that has no answer yet.
  void AnswerOne(FakeZygote::Manner manner = FakeZygote::Manner::kArms) {
    zygote_.Answer(zygote_.workers.at(answered_++)->id, manner);
    Settle();
  }
  size_t Asked() const { return zygote_.workers.size(); }
  // Of those that were asked for, answered or not.
  size_t StartedOf(const std::string& canvas) const {
    WorkerPool::Counts counts = pool_.CountsOf(canvas);
    return counts.armed + counts.starting + counts.lent;
  }

  RevisionPtr other_ = SomeRevision("other", 1);
  size_t answered_ = 0;
};

TEST_F(BusyZygoteTest, IsAskedForAsManyAsKeepItBusy) {
  Wait(first_, 20);
  EXPECT_EQ(Asked(), bounds::kStartsAtOnce);
  for (size_t answers = 1; answers <= 20; ++answers) {
    AnswerOne();
    EXPECT_EQ(Asked(), std::min<size_t>(bounds::kStartsAtOnce + answers, 20));
  }
  for (const Borrower& borrower : borrowers_) EXPECT_NE(borrower.worker, nullptr);
}

TEST_F(BusyZygoteTest, TheNextStartIsForWhoHasLeastAndNotForWhoCameFirst) {
  Wait(first_, 20);
  Wait(other_, 2);
  EXPECT_EQ(StartedOf("other"), 0u);
  AnswerOne();
  EXPECT_EQ(StartedOf("other"), 1u);
  AnswerOne();
  EXPECT_EQ(StartedOf("other"), 2u);
  AnswerOne();
  EXPECT_EQ(StartedOf("demo"), bounds::kStartsAtOnce + 1);
}

TEST_F(BusyZygoteTest, AReserveIsFilledWhileARushWaits) {
  Wait(first_, 20);
  limits_.armed.value = 2;
  pool_.Refresh(other_);
  Settle();
  EXPECT_EQ(StartedOf("other"), 0u);
  for (int i = 0; i < 4; ++i) AnswerOne();
  EXPECT_EQ(StartedOf("other"), 2u);
  EXPECT_EQ(StartedOf("demo"), bounds::kStartsAtOnce + 2);
}

TEST_F(BusyZygoteTest, RequestsAreServedWhileManyReservesAreEmpty) {
  Wait(SomeRevision("rush", 1), bounds::kStartsAtOnce);
  limits_.armed.value = 1;
  for (int i = 0; i < 10; ++i) pool_.Refresh(SomeRevision("idle" + std::to_string(i), 1));
  Settle();
  Wait(other_, 1);
  AnswerOne();
  AnswerOne();
  EXPECT_EQ(StartedOf("other"), 1u);
}

TEST_F(BusyZygoteTest, OneThatFailsMakesPlaceToo) {
  Wait(first_, 6);
  AnswerOne(FakeZygote::Manner::kFails);
  EXPECT_EQ(Asked(), bounds::kStartsAtOnce + 1);
}

TEST_F(BusyZygoteTest, WhatTheLostOneWasAskedForIsAskedOfTheNext) {
  Wait(first_, 10);
  zygote_.connected = false;
  for (size_t i = 0; i < bounds::kStartsAtOnce; ++i) AnswerOne(FakeZygote::Manner::kFails);
  EXPECT_EQ(Asked(), bounds::kStartsAtOnce);
  zygote_.connected = true;
  zygote_.manner = FakeZygote::Manner::kArms;
  pool_.ZygoteReady();
  EXPECT_TRUE(Until([&] { return pool_.CountsOf("demo").lent == 10; }));
}

TEST_F(BusyZygoteTest, TheOtherEnginesIsNotHeldUp) {
  limits_.exec.value = true;
  Wait(first_, 10, proto::ENGINE_EXEC);
  EXPECT_EQ(Asked(), bounds::kStartsAtOnce);
  Wait(other_, 1);
  EXPECT_EQ(StartedOf("other"), 1u);
}

}  // namespace
}  // namespace nightjar::testing
