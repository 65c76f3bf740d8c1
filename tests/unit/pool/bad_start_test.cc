// Workers that do not become one: each fails one who waits, with a reason, and nothing loops.

#include <gtest/gtest.h>

#include "ipc/core/bounds.h"
#include "tests/unit/pool/pool_rig.h"

namespace nightjar::testing {
namespace {

using Manner = FakeZygote::Manner;

class BadStartTest : public PoolRig {
 protected:
  bool UntilSpawned(size_t count) {
    return Until([&, count] { return zygote_.workers.size() == count; });
  }
};

struct Fault {
  const char* name;
  std::function<void(FakeWorker&)> commit;
  const char* told;
};

class FaultTest : public BadStartTest, public ::testing::WithParamInterface<Fault> {};

TEST_P(FaultTest, FailsOneWhoWaitsAndIsBuried) {
  zygote_.manner = Manner::kBears;
  Borrower& unlucky = Ask(first_);
  Borrower& lucky = Ask(first_);
  ASSERT_TRUE(UntilSpawned(2));
  GetParam().commit(*zygote_.workers[0]);
  ASSERT_TRUE(UntilFailed(unlucky));
  EXPECT_EQ(unlucky.error->code, ErrorCode::kUnavailable);
  EXPECT_NE(unlucky.error->context.find(GetParam().told), std::string::npos)
      << unlucky.error->context;
  zygote_.workers[1]->SayArmed();
  ASSERT_TRUE(UntilLent(lucky));
  EXPECT_EQ(unlucky.answers, 1);
  ASSERT_TRUE(UntilLive(1));
  EXPECT_EQ(cells_.released, 1u);
}

proto::FromWorker Sealed(const std::string& failed_step) {
  proto::FromWorker message;
  message.mutable_sealed()->set_failed_step(failed_step);
  message.mutable_sealed()->set_error(EPERM);
  return message;
}

proto::FromWorker ArmedWith(const std::string& error) {
  proto::FromWorker message;
  message.mutable_armed()->set_error(error);
  return message;
}

proto::FromWorker FinishedTooEarly() {
  proto::FromWorker message;
  message.mutable_finished()->set_status(200);
  return message;
}

INSTANTIATE_TEST_SUITE_P(
    Each, FaultTest,
    ::testing::Values(
        Fault{"AWallDoesNotStand", [](FakeWorker& worker) { worker.Say(Sealed("seccomp")); },
              "sealing failed at seccomp"},
        Fault{"TheProgramIsNotForIt",
              [](FakeWorker& worker) { worker.Say(ArmedWith("of another version")); },
              "of another version"},
        Fault{"ItSpeaksOutOfTurn", [](FakeWorker& worker) { worker.Say(FinishedTooEarly()); },
              "out of turn"},
        Fault{"ItSendsGarbage", [](FakeWorker& worker) { worker.SayBytes("\xff\xff\xff"); },
              "does not parse"},
        Fault{"ItSaysNothingThatHasAName", [](FakeWorker& worker) { worker.SayBytes("\x78\x01"); },
              "does not parse"},
        Fault{"ItIsSealedTwice",
              [](FakeWorker& worker) {
                worker.SaySealed();
                worker.SaySealed();
              },
              "sealed twice"},
        Fault{"ItExits", [](FakeWorker& worker) { worker.Exit(4); }, "exited with status 4"},
        Fault{"ItDies", [](FakeWorker& worker) { worker.Die(SIGSEGV); }, "signal 11"},
        // What it said last explains its exit.
        Fault{"ItSaysWhyAndExits",
              [](FakeWorker& worker) {
                worker.Say(Sealed("landlock"));
                worker.Exit(4);
              },
              "landlock"}),
    [](const auto& info) { return info.param.name; });

// What it says goes into the log, and to whoever waits.
TEST_F(BadStartTest, AWorkerCannotSayMoreThanASentence) {
  zygote_.manner = Manner::kBears;
  Borrower& borrower = Ask(first_);
  ASSERT_TRUE(UntilSpawned(1));
  zygote_.last().Say(ArmedWith(std::string(50'000, 'e')));
  ASSERT_TRUE(UntilFailed(borrower));
  EXPECT_LT(borrower.error->context.size(), 2 * bounds::kVerdictDetailBytes);
}

// A word that means nothing and costs nothing would be one to say for ever.
TEST_F(BadStartTest, AWorkerThatIsSealedAgainWhileItWaitsIsEnded) {
  limits_.armed.value = 1;
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilArmed(1));
  FakeWorker& worker = zygote_.last();
  zygote_.manner = Manner::kHolds;  // its successor
  worker.SaySealed();
  EXPECT_TRUE(Until([&] { return worker.released; }));
}

class Listener final : public WorkerUser {
 public:
  explicit Listener(Loop& loop) : loop_(loop) {}
  size_t heard = 0;

  void OnMessage(proto::FromWorker, std::vector<Fd>) override {
    ++heard;
    loop_.Stop();  // after this turn
  }
  void OnBroken(const std::string&) override {}
  void OnDenied(const DeniedCall&) override {}
  void OnGone(const Death&) override {}

 private:
  Loop& loop_;
};

// Else one that talks as fast as it is heard has the supervisor for itself.
TEST_F(BadStartTest, AWorkerThatTalksALotLetsOthersHaveTheirTurn) {
  Borrower& borrower = Ask(first_);
  ASSERT_TRUE(UntilLent(borrower));
  Listener listener(rig_.loop());
  borrower.worker->SetUser(&listener);
  constexpr size_t kWords = bounds::kPacketsPerTurn + 1;
  for (size_t i = 0; i < kWords; ++i) Played(borrower).SayArmed();
  ASSERT_TRUE(rig_.Run());
  EXPECT_EQ(listener.heard, bounds::kPacketsPerTurn);
  ASSERT_TRUE(rig_.Run());
  EXPECT_EQ(listener.heard, kWords);
  borrower.worker->SetUser(&borrower);
}

TEST_F(BadStartTest, AZygoteThatCannotForkFailsOneForEachTry) {
  zygote_.manner = Manner::kFails;
  Borrower& one = Ask(first_);
  Borrower& two = Ask(first_);
  ASSERT_TRUE(UntilFailed(one));
  ASSERT_TRUE(UntilFailed(two));
  Settle();
  EXPECT_EQ(zygote_.workers.size(), 2u);
  EXPECT_EQ(factory_.live(), 0u);
  EXPECT_EQ(cells_.released, 2u);
  zygote_.manner = Manner::kArms;
  EXPECT_TRUE(UntilLent(Ask(first_)));
}

TEST_F(BadStartTest, TheReserveIsTriedAgainOnlyAfterAPauseThatGrows) {
  limits_.armed.value = 1;
  zygote_.manner = Manner::kFails;
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilSpawned(1));
  Nanos pause = bounds::kRestartBackoffMin;
  for (size_t tries = 1; tries <= 12; ++tries) {
    ASSERT_TRUE(UntilLive(0));
    clock_.Advance(pause - Nanos(1));
    pool_.Refresh(first_);  // keeps the canvas active
    Settle();
    ASSERT_EQ(zygote_.workers.size(), tries) << "tried again too early";
    clock_.Advance(Nanos(1));
    pool_.Sweep();
    ASSERT_TRUE(UntilSpawned(tries + 1));
    pause = std::min<Nanos>(pause * 2, bounds::kRestartBackoffMax);
  }
}

TEST_F(BadStartTest, ASuccessEndsThePause) {
  limits_.armed.value = 1;
  zygote_.manner = Manner::kFails;
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilSpawned(1));
  ASSERT_TRUE(UntilLive(0));
  zygote_.manner = Manner::kArms;
  Borrower& borrower = Ask(first_);  // a request does not wait for the pause
  ASSERT_TRUE(UntilLent(borrower));
  pool_.Sweep();
  ASSERT_TRUE(UntilArmed(1));
  // The next one begins short again.
  zygote_.manner = Manner::kFails;
  size_t spawned = zygote_.workers.size();
  zygote_.last().Die(SIGKILL);
  ASSERT_TRUE(UntilLive(1));
  Settle();
  EXPECT_EQ(zygote_.workers.size(), spawned);
  clock_.Advance(bounds::kRestartBackoffMin);
  pool_.Sweep();
  ASSERT_TRUE(UntilSpawned(spawned + 1));
}

TEST_F(BadStartTest, AnArmedWorkerThatDiesWhileItWaitsIsReplacedAndFailsNobody) {
  limits_.armed.value = 1;
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilArmed(1));
  zygote_.last().Die(SIGKILL);
  ASSERT_TRUE(UntilLive(0));
  Borrower& borrower = Ask(first_);
  ASSERT_TRUE(UntilLent(borrower));
  EXPECT_EQ(borrower.answers, 1);
}

TEST_F(BadStartTest, AnArmedWorkerThatSpeaksIsKilled) {
  limits_.armed.value = 1;
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilArmed(1));
  FakeWorker& liar = zygote_.last();
  FakeCell& cell = *liar.cell;
  std::vector<std::string> done;
  cell.on_kill = [&] {
    done = cell.done;
    liar.process.Signal(SIGKILL);
  };
  liar.Say(FinishedTooEarly());
  ASSERT_TRUE(Until([&] { return pool_.CountsOf("demo").armed == 0; }));
  ASSERT_TRUE(UntilLive(0));
  EXPECT_EQ(done.back(), "kill");
}

TEST_F(BadStartTest, WithoutACellNothingIsStartedAndNoUserIdIsLost) {
  cells_.acquire_error = Error{ErrorCode::kExhausted, ENOSPC, "cgroup"};
  for (uint32_t i = 0; i < kUids + 1; ++i) {
    Borrower& borrower = Ask(first_);
    ASSERT_TRUE(UntilFailed(borrower));
    EXPECT_EQ(borrower.error->sys, ENOSPC);
  }
  cells_.acquire_error.reset();
  EXPECT_TRUE(UntilLent(Ask(first_)));
  EXPECT_TRUE(zygote_.last().uid >= kFirstUid);
}

TEST_F(BadStartTest, WhoIsToldMayTakeAnotherOutOfTheQueue) {
  cells_.acquire_error = Error{ErrorCode::kExhausted, ENOSPC, "cgroup"};
  std::shared_ptr<WorkerPool::Ticket> second;
  int first_answers = 0;
  int second_answers = 0;
  pool_.Lend(first_, proto::ENGINE_DARK, limits_, [&](Result<Worker*>) {
    ++first_answers;
    pool_.Cancel(second);
  });
  second =
      pool_.Lend(first_, proto::ENGINE_DARK, limits_, [&](Result<Worker*>) { ++second_answers; });
  ASSERT_TRUE(Until([&] { return first_answers == 1; }));
  Settle();
  EXPECT_EQ(second_answers, 0);
}

// Its end was decided while the zygote was still forking it: the kill came too early for it.
TEST_F(BadStartTest, AWorkerThatIsBornIntoAKilledCellIsKilledAgain) {
  limits_.armed.value = 1;
  zygote_.manner = Manner::kHolds;
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilSpawned(1));
  pool_.Close();
  Settle();
  EXPECT_EQ(factory_.live(), 1u);
  zygote_.Answer(1, Manner::kBears);
  ASSERT_TRUE(UntilLive(0));
}

TEST_F(BadStartTest, AWorkerThatIsNotWantedAnyMoreAndThenNotMadeIsGoneAtOnce) {
  limits_.armed.value = 1;
  zygote_.manner = Manner::kHolds;
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilSpawned(1));
  pool_.Close();
  zygote_.Answer(1, Manner::kFails);
  EXPECT_EQ(factory_.live(), 0u);
  EXPECT_EQ(factory_.lost_uids(), 0u);
  Settle();
}

// Both wait for bounds::kExitWait, so they wait together: a killed worker that never goes, and one
// that the zygote says nothing about.
TEST_F(BadStartTest, WhatDoesNotGoTakesItsUserIdAndItsCellAlong) {
  limits_.armed.value = 1;
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilArmed(1));
  zygote_.workers[0]->cell->immortal = true;
  policy::Limits large = limits_;
  large.memory_bytes.value *= 4;
  zygote_.manner = Manner::kHolds;
  Borrower& waits = Ask(first_, large);
  ASSERT_TRUE(UntilSpawned(2));
  pool_.Close();
  EXPECT_TRUE(waits.error);
  ASSERT_TRUE(UntilLive(0));
  EXPECT_EQ(factory_.lost_uids(), 1u);  // of the one that may yet be born
  EXPECT_EQ(cells_.quarantined(), 1u);
  EXPECT_EQ(factory_.quarantined("demo"), 1u);
  // The zygote's word comes after all, and nobody waits for it.
  zygote_.Answer(2, Manner::kBears);
  Settle();
  EXPECT_EQ(factory_.live(), 0u);
}

TEST_F(BadStartTest, AWorkerThatDoesNotDieKeepsItsPlaceUntilItDoes) {
  limits_.concurrency.value = 1;
  Borrower& first = Ask(first_);
  ASSERT_TRUE(UntilLent(first));
  FakeWorker& worker = Played(first);
  const uint32_t uid = worker.uid;
  worker.cell->immortal = true;
  first.worker->Kill(Reaper::Sample::kRunning);
  ASSERT_TRUE(Until([&] { return first.death.has_value(); }));
  ASSERT_TRUE(first.death->quarantined);
  pool_.Gone(first.worker, *first.death);
  EXPECT_EQ(factory_.quarantined("demo"), 1u);
  Borrower& next = Ask(first_);
  Settle();
  cells_.Sweep();
  pool_.Sweep();
  Settle();
  EXPECT_EQ(next.answers, 0);
  // The disk that it waited for answers.
  cells_.quarantined_last().immortal = false;
  cells_.Sweep();
  EXPECT_EQ(factory_.quarantined("demo"), 0u);
  pool_.Sweep();
  ASSERT_TRUE(UntilLent(next));
  EXPECT_EQ(factory_.lost_uids(), 0u);
  // Its id is the last in the row of those that are free.
  limits_.concurrency.value = kUids;
  std::vector<Borrower*> rest;
  for (uint32_t i = 1; i < kUids; ++i) rest.push_back(&Ask(first_));
  for (Borrower* one : rest) ASSERT_TRUE(UntilLent(*one));
  EXPECT_EQ(rest.back()->worker->uid(), uid);
}

TEST_F(BadStartTest, WhileTheZygoteIsAwayRequestsWaitForTheNextOne) {
  zygote_.connected = false;
  Borrower& borrower = Ask(first_);
  limits_.armed.value = 1;
  pool_.Refresh(first_);
  Settle();
  EXPECT_TRUE(zygote_.workers.empty());
  EXPECT_EQ(borrower.answers, 0);
  zygote_.connected = true;
  pool_.ZygoteReady();
  ASSERT_TRUE(UntilLent(borrower));
}

TEST_F(BadStartTest, AStartThatDiesWithTheZygoteFailsNobody) {
  zygote_.manner = Manner::kHolds;
  Borrower& borrower = Ask(first_);
  ASSERT_TRUE(UntilSpawned(1));
  zygote_.connected = false;
  zygote_.Answer(zygote_.last().id, Manner::kFails);
  ASSERT_TRUE(UntilLive(0));
  Settle();
  EXPECT_EQ(borrower.answers, 0);
  zygote_.connected = true;
  zygote_.manner = Manner::kArms;
  pool_.ZygoteReady();
  ASSERT_TRUE(UntilLent(borrower));
}

// All workers die at once with their namespace, and that may be seen before the zygote's end.
TEST_F(BadStartTest, AStartThatSomebodyElseKillsIsTriedOnceMore) {
  zygote_.manner = Manner::kBears;
  Borrower& borrower = Ask(first_);
  for (size_t start = 1; start <= 2; ++start) {
    ASSERT_TRUE(UntilSpawned(start));
    ASSERT_TRUE(Until([&] { return zygote_.last().born; }));
    EXPECT_EQ(borrower.answers, 0);
    zygote_.last().Die(SIGKILL);
  }
  ASSERT_TRUE(UntilFailed(borrower));
}

}  // namespace
}  // namespace nightjar::testing
