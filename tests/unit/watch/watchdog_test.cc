// When a run is looked at, and what is struck. Timers never fire early, so that lower bounds on
// time are facts; nothing here asserts an upper one.

#include "supervisor/watch/watchdog.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "ipc/core/bounds.h"
#include "tests/support/fake_cells.h"
#include "tests/support/kill_dir.h"
#include "tests/support/loop_rig.h"

namespace nightjar::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class WatchdogTest : public ::testing::Test {
 protected:
  WatchdogTest() {
    limits_.wall.value = seconds(60);
    limits_.cpu.value = seconds(60);
    limits_.pids.value = 1;  // one processor at most: looks are computed for one
    cell_.on_read = [this] { looks_.push_back(clock_.Mono()); };
  }
  void Watch() {
    started_ = clock_.Mono();
    watchdog_.emplace(rig_.loop(), clock_, guard_.get(), cell_, limits_, at_start_, started_,
                      [this](KillCause cause) { causes_.push_back(std::move(cause)); });
  }
  bool WaitForStrike() {
    return rig_.RunUntil([this] { return !causes_.empty(); });
  }
  // Whatever is due by then has happened.
  void Pass(Nanos time) {
    bool over = false;
    Timer timer(rig_.loop(), [&] { over = true; });
    timer.StartAfter(time);
    ASSERT_TRUE(rig_.RunUntil([&] { return over; }));
  }

  LoopRig rig_;
  SystemClock clock_;
  FakeCell cell_{"canvas-demo/cell-1"};
  policy::Limits limits_;
  CellUsage at_start_;
  MonoTime started_;
  std::vector<MonoTime> looks_;
  std::vector<KillCause> causes_;
  std::unique_ptr<DeadlineGuard> guard_;  // null: none
  std::optional<Watchdog> watchdog_;
};

TEST_F(WatchdogTest, StrikesAtTheWallLimitAndNotBefore) {
  limits_.wall.value = milliseconds(15);
  Watch();
  ASSERT_TRUE(WaitForStrike());
  EXPECT_EQ(causes_[0].verdict, proto::VERDICT_WALL_TIME);
  EXPECT_EQ(causes_[0].limit, "wall");
  EXPECT_GE(looks_[0] - started_, milliseconds(15));
  // What is told as overshoot is what passed since the limit, as the clock has it.
  EXPECT_GE(causes_[0].overshoot, Nanos(0));
  EXPECT_LE(causes_[0].overshoot, clock_.Mono() - started_ - milliseconds(15));
}

TEST_F(WatchdogTest, AnIdleRunIsLookedAtOnlyWhenItCouldHaveUsedItsCpuUp) {
  limits_.cpu.value = milliseconds(40);
  limits_.wall.value = milliseconds(60);
  Watch();
  ASSERT_TRUE(WaitForStrike());
  // One look after 40 ms of doing nothing, which puts the next one past the deadline; then the
  // deadline's own.
  EXPECT_EQ(looks_.size(), 2u);
  EXPECT_GE(looks_[0] - started_, milliseconds(40));
  EXPECT_EQ(causes_[0].verdict, proto::VERDICT_WALL_TIME);
}

TEST_F(WatchdogTest, ASpinningRunIsLookedAtWhenWhatIsLeftCouldBeUsed) {
  limits_.cpu.value = milliseconds(30);
  const std::vector<uint64_t> used_us = {18'000, 26'000, 29'900, 30'000};
  cell_.on_read = [&] {
    looks_.push_back(clock_.Mono());
    cell_.usage.cpu_us = used_us[std::min(looks_.size() - 1, used_us.size() - 1)];
  };
  Watch();
  ASSERT_TRUE(WaitForStrike());
  EXPECT_EQ(causes_[0].verdict, proto::VERDICT_CPU_TIME);
  ASSERT_EQ(looks_.size(), used_us.size());
  EXPECT_GE(looks_[0] - started_, milliseconds(30));
  EXPECT_GE(looks_[1] - looks_[0], milliseconds(12));
  EXPECT_GE(looks_[2] - looks_[1], milliseconds(4));
  EXPECT_GE(looks_[3] - looks_[2], milliseconds(1));  // 0.1 ms is left; looks are 1 ms apart
}

TEST_F(WatchdogTest, WhatTheCellCountedBeforeTheRunIsNotTheRuns) {
  limits_.cpu.value = milliseconds(10);
  limits_.wall.value = milliseconds(25);
  at_start_.cpu_us = 5'000'000;
  at_start_.oom_kills = 2;
  at_start_.pids_denied = 3;
  cell_.usage = at_start_;
  cell_.usage.cpu_us += 9'999;
  Watch();
  ASSERT_TRUE(WaitForStrike());
  EXPECT_EQ(causes_[0].verdict, proto::VERDICT_WALL_TIME) << causes_[0].sentence;
  auto used = watchdog_->UsedSoFar();
  ASSERT_TRUE(used);
  EXPECT_EQ(used->cpu_us, 9'999u);
  EXPECT_EQ(used->oom_kills, 0u);
}

TEST_F(WatchdogTest, SeesWhatTheKernelDidInTheCell) {
  limits_.cpu.value = milliseconds(5);
  cell_.usage.oom_kills = 1;
  Watch();
  ASSERT_TRUE(WaitForStrike());
  EXPECT_EQ(causes_[0].verdict, proto::VERDICT_MEMORY);
}

TEST_F(WatchdogTest, ACellThatCannotBeReadStillHasADeadline) {
  limits_.cpu.value = milliseconds(2);
  limits_.wall.value = milliseconds(10);
  cell_.read_error = Error{ErrorCode::kInternal, EIO, "reading"};
  Watch();
  EXPECT_FALSE(watchdog_->UsedSoFar());
  ASSERT_TRUE(WaitForStrike());
  EXPECT_EQ(causes_[0].verdict, proto::VERDICT_WALL_TIME);
}

TEST_F(WatchdogTest, StrikesOnce) {
  limits_.wall.value = milliseconds(2);
  limits_.cpu.value = milliseconds(2);
  cell_.usage.cpu_us = 1'000'000;
  Watch();
  ASSERT_TRUE(WaitForStrike());
  Pass(milliseconds(10));
  EXPECT_EQ(causes_.size(), 1u);
}

TEST_F(WatchdogTest, IsSilentOnceStoppedOrGone) {
  limits_.wall.value = milliseconds(2);
  Watch();
  watchdog_->Stop();
  Pass(milliseconds(8));
  Watch();
  watchdog_.reset();
  Pass(milliseconds(8));
  EXPECT_TRUE(causes_.empty());
  EXPECT_TRUE(looks_.empty());
}

TEST_F(WatchdogTest, MayBeStoppedByWhoeverItTells) {
  limits_.wall.value = milliseconds(2);
  watchdog_.emplace(rig_.loop(), clock_, nullptr, cell_, limits_, at_start_, clock_.Mono(),
                    [this](KillCause cause) {
                      watchdog_->Stop();
                      causes_.push_back(std::move(cause));
                    });
  ASSERT_TRUE(WaitForStrike());
  Pass(milliseconds(8));
  EXPECT_EQ(causes_.size(), 1u);
}

class GuardedTest : public WatchdogTest {
 protected:
  GuardedTest() {
    guard_ = std::make_unique<DeadlineGuard>();
    cell_.kill_at = dir_.fd();
    limits_.wall.value = milliseconds(5);
  }
  ~GuardedTest() override { watchdog_.reset(); }  // before its guard

  KillDir dir_;
};

// The test's own thread is the loop's: while it does something else, the loop is late.
TEST_F(GuardedTest, ALoopThatIsLateFindsTheKillAndTellsItAsItsCause) {
  Watch();
  while (!dir_.killed()) std::this_thread::yield();
  ASSERT_TRUE(WaitForStrike());
  ASSERT_EQ(causes_.size(), 1u);
  EXPECT_EQ(causes_[0].verdict, proto::VERDICT_WALL_TIME);
  EXPECT_TRUE(causes_[0].by_guard);
  // Until the guard's kill, not until now.
  EXPECT_GE(causes_[0].overshoot, bounds::kGuardGrace);
}

TEST_F(GuardedTest, TheDeathMayBeHeardOfFirst) {
  Watch();
  while (!dir_.killed()) std::this_thread::yield();
  auto cause = watchdog_->GuardsCause();
  ASSERT_TRUE(cause.has_value());
  EXPECT_EQ(cause->verdict, proto::VERDICT_WALL_TIME);
  EXPECT_TRUE(cause->by_guard);
  Pass(milliseconds(10));
  EXPECT_TRUE(causes_.empty());  // the watch is over
}

TEST_F(GuardedTest, WhatTheKernelDidBeforeIsStillTheFirstCause) {
  cell_.usage.oom_kills = 1;
  Watch();
  while (!dir_.killed()) std::this_thread::yield();
  ASSERT_TRUE(WaitForStrike());
  EXPECT_EQ(causes_[0].verdict, proto::VERDICT_MEMORY);
}

TEST_F(GuardedTest, ALoopThatIsInTimeHasNoGuardsCause) {
  limits_.wall.value = seconds(60);
  Watch();
  EXPECT_FALSE(watchdog_->GuardsCause());
  EXPECT_FALSE(dir_.killed());
}

TEST(UsedBetweenTest, SubtractsCountsAndKeepsLevels) {
  CellUsage from;
  from.cpu_us = 10;
  from.oom_kills = 1;
  from.oom_kills_canvas = 1;
  from.oom_kills_host = 1;
  from.pids_denied = 1;
  from.memory_peak_bytes = 900;
  CellUsage to;
  to.cpu_us = 25;
  to.oom_kills = 3;
  to.oom_kills_canvas = 1;
  to.oom_kills_host = 2;
  to.pids_denied = 2;
  to.memory_bytes = 4;
  to.memory_peak_bytes = 1000;
  to.pids_peak = 2;
  CellUsage used = UsedBetween(from, to);
  EXPECT_EQ(used.cpu_us, 15u);
  EXPECT_EQ(used.oom_kills, 2u);
  EXPECT_EQ(used.oom_kills_canvas, 0u);
  EXPECT_EQ(used.oom_kills_host, 1u);
  EXPECT_EQ(used.pids_denied, 1u);
  EXPECT_EQ(used.memory_peak_bytes, 1000u);
  EXPECT_EQ(used.pids_peak, 2u);
}

// Counters of a cell may be read in an odd order, or start again: nothing wraps to a huge number.
TEST(UsedBetweenTest, NeverFallsBelowZero) {
  CellUsage from;
  from.cpu_us = from.oom_kills = from.oom_kills_canvas = from.oom_kills_host = from.pids_denied =
      10;
  CellUsage used = UsedBetween(from, CellUsage{});
  EXPECT_EQ(
      used.cpu_us + used.oom_kills + used.oom_kills_canvas + used.oom_kills_host + used.pids_denied,
      0u);
}

TEST_F(WatchdogTest, ARunThatTakesItsTimeIsLookedAtForItsHistory) {
  limits_.wall.value = milliseconds(400);
  cell_.usage.memory_bytes = 4096;
  cell_.cell_events.canvas_throttled = 7;
  Watch();
  EXPECT_FALSE(watchdog_->first_look());
  ASSERT_TRUE(WaitForStrike());
  EXPECT_EQ(causes_[0].verdict, proto::VERDICT_WALL_TIME);
  EXPECT_GE(looks_[0] - started_, bounds::kUsageSampleGap);
  // No more often than that, and the deadline's own.
  EXPECT_LE(looks_.size(), 9u);
  ASSERT_GE(watchdog_->history().samples().size(), 2u);
  EXPECT_EQ(watchdog_->history().samples()[0].memory_bytes, 4096u);
  ASSERT_TRUE(watchdog_->first_look());
  EXPECT_EQ(watchdog_->first_look()->events.canvas_throttled, 7u);
  EXPECT_GE(watchdog_->first_look()->at, bounds::kUsageSampleGap);
}

TEST_F(WatchdogTest, AShortRunCostsNoLook) {
  limits_.wall.value = bounds::kUsageSampleGap / 2;
  Watch();
  ASSERT_TRUE(WaitForStrike());
  EXPECT_EQ(looks_.size(), 1u);
}

}  // namespace
}  // namespace nightjar::testing
