#include "supervisor/loop/timer.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "tests/support/loop_rig.h"

namespace nightjar {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

class TimerTest : public ::testing::Test {
 protected:
  testing::LoopRig rig_;
  Loop& loop_ = rig_.loop();
};

TEST_F(TimerTest, FiresInTheOrderOfDeadlinesThenOfArming) {
  std::vector<int> fired;
  Timer late(loop_, [&] {
    fired.push_back(4);
    loop_.Stop();
  });
  Timer first(loop_, [&] { fired.push_back(1); });
  Timer second(loop_, [&] { fired.push_back(2); });
  Timer third(loop_, [&] { fired.push_back(3); });
  MonoTime at = steady_clock::now() + milliseconds(2);
  late.StartAt(at + microseconds(1));
  first.StartAt(at - microseconds(1));
  second.StartAt(at);
  third.StartAt(at);
  ASSERT_TRUE(rig_.Run());
  EXPECT_EQ(fired, (std::vector{1, 2, 3, 4}));
}

TEST_F(TimerTest, FiresNeverEarly) {
  MonoTime at = steady_clock::now() + microseconds(1500);
  MonoTime fired;
  Timer timer(loop_, [&] {
    fired = steady_clock::now();
    loop_.Stop();
  });
  timer.StartAt(at);
  ASSERT_TRUE(rig_.Run());
  EXPECT_GE(fired, at);
}

TEST_F(TimerTest, KeepsMicrosecondsThatTheLoopsOwnClockWouldRound) {
  // A hundred waits of 100 us: some 10 ms, where a clock of milliseconds would take 100 ms or more.
  // The best of several rounds counts, since the machine may be busy.
  Nanos best = hours(1);
  for (int round = 0; round < 10; ++round) {
    int left = 100;
    MonoTime begun = steady_clock::now();
    std::optional<Timer> timer;
    timer.emplace(loop_, [&] { --left > 0 ? timer->StartAfter(microseconds(100)) : loop_.Stop(); });
    timer->StartAfter(microseconds(100));
    ASSERT_TRUE(rig_.Run());
    best = std::min<Nanos>(best, steady_clock::now() - begun);
  }
  EXPECT_GE(best, milliseconds(10));
  EXPECT_LT(best, milliseconds(90));
}

TEST_F(TimerTest, ThePastMeansNow) {
  Timer timer(loop_, [&] { loop_.Stop(); });
  timer.StartAt(MonoTime{});
  EXPECT_TRUE(rig_.Run());
  timer.StartAfter(-hours(1));
  EXPECT_TRUE(rig_.Run());
}

TEST_F(TimerTest, StartingAgainReplacesTheDeadlineBothWays) {
  int fired = 0;
  Timer later(loop_, [&] { ++fired; });
  later.StartAfter(milliseconds(1));
  later.StartAfter(hours(1));
  Timer sooner(loop_, [&] { loop_.Stop(); });
  sooner.StartAfter(hours(1));
  sooner.StartAfter(milliseconds(5));
  ASSERT_TRUE(rig_.Run());
  EXPECT_EQ(fired, 0);
  EXPECT_TRUE(later.armed());
  EXPECT_FALSE(sooner.armed());
}

TEST_F(TimerTest, AStoppedTimerDoesNotFireAndMayBeStartedAgain) {
  int fired = 0;
  Timer timer(loop_, [&] { ++fired; });
  Timer end(loop_, [&] { loop_.Stop(); });
  timer.StartAfter(milliseconds(1));
  timer.Stop();
  EXPECT_FALSE(timer.armed());
  end.StartAfter(milliseconds(3));
  ASSERT_TRUE(rig_.Run());
  EXPECT_EQ(fired, 0);
  timer.StartAfter(milliseconds(1));
  end.StartAfter(milliseconds(3));
  ASSERT_TRUE(rig_.Run());
  EXPECT_EQ(fired, 1);
}

TEST_F(TimerTest, OneMayStopAnotherThatIsDueInTheSameTurn) {
  int fired = 0;
  Timer victim(loop_, [&] { ++fired; });
  Timer killer(loop_, [&] {
    victim.Stop();
    loop_.Stop();
  });
  MonoTime at = steady_clock::now() + milliseconds(1);
  killer.StartAt(at);
  victim.StartAt(at);
  ASSERT_TRUE(rig_.Run());
  EXPECT_EQ(fired, 0);
}

TEST_F(TimerTest, MayDestroyItselfAndOthersInItsCallback) {
  int fired = 0;
  auto other = std::make_unique<Timer>(loop_, [&] { ++fired; });
  std::unique_ptr<Timer> self;
  std::string held(100, 'x');  // in the callback itself: must still be there after the timer is not
  self = std::make_unique<Timer>(loop_, [&, held] {
    self.reset();
    other.reset();
    EXPECT_EQ(held, std::string(100, 'x'));
    loop_.Stop();
  });
  MonoTime at = steady_clock::now() + milliseconds(1);
  self->StartAt(at);
  other->StartAt(at);
  ASSERT_TRUE(rig_.Run());
  EXPECT_EQ(fired, 0);
}

TEST_F(TimerTest, APeriodicTimerMayDestroyItself) {
  int left = 3;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(loop_, [&] {
    if (--left > 0) return;
    timer.reset();
    loop_.Stop();
  });
  timer->StartEvery(microseconds(300));
  ASSERT_TRUE(rig_.Run());
  EXPECT_EQ(left, 0);
}

TEST_F(TimerTest, APeriodicTimerKeepsItsBeatAndLeavesOutWhatWasMissed) {
  std::vector<MonoTime> fired;
  Nanos period = milliseconds(2);
  Timer timer(loop_, [&] {
    fired.push_back(steady_clock::now());
    if (fired.size() == 1) {
      while (steady_clock::now() < fired[0] + 3 * period) continue;  // a busy loop misses beats
    }
    if (fired.size() == 3) loop_.Stop();
  });
  MonoTime begun = steady_clock::now();
  timer.StartEvery(period);
  ASSERT_TRUE(rig_.Run());
  EXPECT_TRUE(timer.armed());
  // At least three beats were missed, so the second telling is the fourth beat or a later one.
  EXPECT_GE(fired[1], begun + 4 * period);
  timer.Stop();
  EXPECT_FALSE(timer.armed());
}

TEST_F(TimerTest, OneThatAlwaysAsksForNowLeavesTheLoopItsTurns) {
  std::optional<Timer> greedy;
  int greedy_turns = 0;
  greedy.emplace(loop_, [&] {
    ++greedy_turns;
    greedy->StartAt(MonoTime{});
  });
  greedy->StartAt(MonoTime{});
  loop_.Post([&] { loop_.Post([&] { loop_.Stop(); }); });
  EXPECT_TRUE(rig_.Run());
  EXPECT_GE(greedy_turns, 1);
}

TEST_F(TimerTest, AnEndlessDelayIsNever) {
  Timer timer(loop_, [] { FAIL(); });
  timer.StartAfter(Nanos::max());
  EXPECT_TRUE(timer.armed());
  loop_.Post([&] { loop_.Stop(); });
  EXPECT_TRUE(rig_.Run());
}

TEST_F(TimerTest, TenThousandKeepTheirOrder) {
  std::vector<std::unique_ptr<Timer>> timers;
  std::vector<int> order;
  MonoTime at = steady_clock::now() + milliseconds(1);
  for (int i = 0; i < 10'000; ++i) {
    timers.push_back(std::make_unique<Timer>(loop_, [&order, i] { order.push_back(i); }));
    timers.back()->StartAt(at + Nanos((i * 7919) % 10'000));
  }
  ASSERT_TRUE(rig_.RunUntil([&] { return order.size() == timers.size(); }));
  for (size_t i = 1; i < order.size(); ++i)
    ASSERT_LT((order[i - 1] * 7919) % 10'000, (order[i] * 7919) % 10'000);
}

}  // namespace
}  // namespace nightjar
