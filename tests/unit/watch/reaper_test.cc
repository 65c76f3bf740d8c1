// The one way to die, step by step, in every order in which its two facts can come.

#include "supervisor/watch/reaper.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <optional>

#include "ipc/core/bounds.h"
#include "tests/support/fake_cells.h"
#include "tests/support/loop_rig.h"

namespace nightjar::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ReaperTest : public ::testing::Test {
 protected:
  ReaperTest() {
    cell_.empty = false;  // its worker is in it
    cell_.usage.cpu_us = 42;
    reaper_.emplace(rig_.loop(), clock_, cell_, [this](const Death& death) {
      deaths_.push_back(death);
      if (destroy_inside_) reaper_.reset();
    });
  }
  bool WaitForDeath() {
    return rig_.RunUntil([this] { return !deaths_.empty(); });
  }
  // Whatever was going to come in the next turns has come.
  void Settle() {
    int turns = 0;
    ASSERT_TRUE(rig_.RunUntil([&] { return ++turns > 20; }));
  }

  LoopRig rig_;
  SystemClock clock_;
  FakeCell cell_{"canvas-demo/cell-1"};
  std::vector<Death> deaths_;
  bool destroy_inside_ = false;
  std::optional<Reaper> reaper_;
};

TEST_F(ReaperTest, AKillLiftsTheThrottleFreezesSamplesAndKillsInThisOrder) {
  cell_.on_read = [this] { cell_.done.push_back("sample"); };
  reaper_->Kill(Reaper::Sample::kFrozen);
  EXPECT_THAT(cell_.done, ElementsAre("lift", "freeze", "sample", "kill"));
  EXPECT_TRUE(reaper_->dying());
}

TEST_F(ReaperTest, AKillWithoutEvidenceDoesNotFreeze) {
  reaper_->Kill(Reaper::Sample::kRunning);
  EXPECT_THAT(cell_.done, ElementsAre("lift", "kill"));
}

TEST_F(ReaperTest, IsDoneWhenTheProcessIsReapedAndTheCellIsEmpty) {
  reaper_->Kill(Reaper::Sample::kFrozen);
  Settle();
  EXPECT_THAT(deaths_, IsEmpty());  // it was not reaped yet
  cell_.usage.cpu_us = 77;          // whatever the cell says later: the sample is the evidence
  reaper_->ChildExited({SIGKILL, 0});
  ASSERT_TRUE(WaitForDeath());
  EXPECT_EQ(deaths_[0].exit.signal, SIGKILL);
  EXPECT_EQ(deaths_[0].usage.cpu_us, 42u);
  EXPECT_TRUE(deaths_[0].killed);
  EXPECT_FALSE(deaths_[0].quarantined);
  EXPECT_GT(deaths_[0].signal_to_exit, Nanos(0));
  EXPECT_GE(deaths_[0].signal_to_empty, deaths_[0].signal_to_exit);
}

TEST_F(ReaperTest, TheFirstKillCounts) {
  reaper_->Kill(Reaper::Sample::kRunning);
  reaper_->Kill(Reaper::Sample::kFrozen);
  EXPECT_THAT(cell_.done, ElementsAre("lift", "kill"));
  reaper_->KillAgain();  // for what came in after it
  EXPECT_THAT(cell_.done, ElementsAre("lift", "kill", "kill"));
}

TEST_F(ReaperTest, WaitsForWhatTheWorkerLeftBehind) {
  cell_.immortal = true;  // a grandchild that takes its time
  reaper_->Kill(Reaper::Sample::kRunning);
  reaper_->ChildExited({SIGKILL, 0});
  Settle();
  EXPECT_THAT(deaths_, IsEmpty());
  cell_.empty = true;
  ASSERT_TRUE(WaitForDeath());
  EXPECT_FALSE(deaths_[0].quarantined);
}

TEST_F(ReaperTest, ANaturalEndOfAnEmptyCellKillsNobody) {
  cell_.empty = true;
  reaper_->ChildExited({0, 3});
  ASSERT_EQ(deaths_.size(), 1u);
  EXPECT_EQ(deaths_[0].exit.exit_code, 3);
  EXPECT_FALSE(deaths_[0].killed);
  EXPECT_EQ(deaths_[0].usage.cpu_us, 42u);
  EXPECT_THAT(cell_.done, IsEmpty());
}

TEST_F(ReaperTest, ANaturalEndKillsWhatIsStillInTheCell) {
  reaper_->ChildExited({0, 0});
  ASSERT_TRUE(WaitForDeath());
  EXPECT_THAT(cell_.done, ElementsAre("kill"));
  EXPECT_FALSE(deaths_[0].killed);  // the worker itself was not
}

TEST_F(ReaperTest, AKillAfterTheNaturalEndDoesNotChangeWhatWasSeen) {
  cell_.immortal = true;
  reaper_->ChildExited({SIGSEGV, 0});
  reaper_->Kill(Reaper::Sample::kFrozen);
  EXPECT_THAT(cell_.done, ElementsAre("kill"));
  cell_.empty = true;
  ASSERT_TRUE(WaitForDeath());
  EXPECT_EQ(deaths_[0].exit.signal, SIGSEGV);
  EXPECT_FALSE(deaths_[0].killed);
}

TEST_F(ReaperTest, AStepThatFailsDoesNotStopTheOthers) {
  cell_.kill_error = Error{ErrorCode::kInternal, EIO, "kill"};
  cell_.read_error = Error{ErrorCode::kInternal, EIO, "usage"};
  reaper_->Kill(Reaper::Sample::kFrozen);
  EXPECT_THAT(cell_.done, ElementsAre("lift", "freeze", "kill"));
  cell_.empty = true;  // it went all the same
  reaper_->ChildExited({SIGKILL, 0});
  EXPECT_EQ(deaths_.size(), 1u);
}

TEST_F(ReaperTest, MayBeDestroyedByWhoeverItTells) {
  destroy_inside_ = true;
  reaper_->ChildExited({0, 0});
  ASSERT_TRUE(WaitForDeath());
  EXPECT_FALSE(reaper_.has_value());
}

// A cell that can tell when it becomes empty is waited for without asking again and again. The
// kernel tells it as POLLPRI, as a socket tells urgent data.
TEST_F(ReaperTest, IsWokenByACellThatCanTell) {
  Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&name), size), 0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  ASSERT_EQ(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
  Fd kernel(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(connect(kernel.get(), reinterpret_cast<sockaddr*>(&name), size), 0);
  Fd events(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_TRUE(events.valid());
  cell_.events = events.get();
  cell_.immortal = true;
  reaper_->Kill(Reaper::Sample::kRunning);
  reaper_->ChildExited({SIGKILL, 0});
  cell_.empty = true;
  Settle();
  EXPECT_THAT(deaths_, IsEmpty());  // nobody has told it
  ASSERT_EQ(send(kernel.get(), "!", 1, MSG_OOB), 1);
  ASSERT_TRUE(WaitForDeath());
  EXPECT_FALSE(deaths_[0].quarantined);
  reaper_.reset();  // its watch of `events`
}

// All that is bounded by bounds::kExitWait at once, because each waits for it.
TEST_F(ReaperTest, WhatDoesNotEndIsQuarantinedOnceAndForGood) {
  std::vector<Death> unreaped;
  std::vector<Death> haunted;
  FakeCell other("canvas-demo/cell-2");
  Reaper never_reaped(rig_.loop(), clock_, other,
                      [&](const Death& death) { unreaped.push_back(death); });
  never_reaped.Kill(Reaper::Sample::kRunning);
  FakeCell third("canvas-demo/cell-3");
  third.empty = false;
  third.immortal = true;
  Reaper never_empty(rig_.loop(), clock_, third,
                     [&](const Death& death) { haunted.push_back(death); });
  never_empty.ChildExited({0, 0});
  MonoTime before = clock_.Mono();
  ASSERT_TRUE(rig_.RunUntil([&] { return !unreaped.empty() && !haunted.empty(); }));
  EXPECT_GE(clock_.Mono() - before + std::chrono::milliseconds(5), Nanos(bounds::kExitWait));
  EXPECT_TRUE(unreaped[0].quarantined);
  EXPECT_TRUE(haunted[0].quarantined);
  EXPECT_FALSE(haunted[0].killed);
  // Before that, what may be in their way is taken out of it.
  EXPECT_THAT(other.done, ElementsAre("lift", "kill", "lift disk"));
  EXPECT_THAT(third.done, ElementsAre("kill", "lift disk"));
  // Its exit is seen a moment after it was given up, in the same turn of the loop: nobody is told
  // twice, and the cell, which is another's by now, is not touched.
  other.done.clear();
  third.done.clear();
  never_reaped.ChildExited({SIGKILL, 0});
  never_reaped.KillAgain();
  never_empty.Kill(Reaper::Sample::kFrozen);
  never_empty.KillAgain();
  Settle();
  EXPECT_EQ(unreaped.size(), 1u);
  EXPECT_EQ(haunted.size(), 1u);
  EXPECT_THAT(other.done, IsEmpty());
  EXPECT_THAT(third.done, IsEmpty());
}

}  // namespace
}  // namespace nightjar::testing
