#include "supervisor/loop/loop.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "ipc/core/fd.h"
#include "tests/support/loop_rig.h"

namespace nightjar {
namespace {

class LoopTest : public ::testing::Test {
 protected:
  testing::LoopRig rig_;
  Loop& loop_ = rig_.loop();
};

TEST_F(LoopTest, PostedTasksRunInTheirOrderInALaterTurn) {
  std::vector<int> ran;
  loop_.Post([&] {
    loop_.Post([&] {
      ran.push_back(3);
      loop_.Stop();
    });
    ran.push_back(1);
  });
  loop_.Post([&] { ran.push_back(2); });
  EXPECT_TRUE(ran.empty());
  ASSERT_TRUE(rig_.Run());
  EXPECT_EQ(ran, (std::vector{1, 2, 3}));
}

TEST_F(LoopTest, TakesTasksFromManyThreadsAndKeepsTheOrderOfEach) {
  constexpr int kThreads = 4, kTasks = 2'000;
  std::vector<int> next(kThreads, 0);
  int left = kThreads * kTasks;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kTasks; ++i)
        loop_.Post([&, t, i] {
          EXPECT_EQ(next[t]++, i);
          if (--left == 0) loop_.Stop();
        });
    });
  EXPECT_TRUE(rig_.Run());
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(left, 0);
}

TEST_F(LoopTest, RunsAgainAfterAStop) {
  for (int i = 0; i < 3; ++i) {
    loop_.Post([&] { loop_.Stop(); });
    EXPECT_TRUE(rig_.Run());
  }
}

TEST_F(LoopTest, TellsWhatATurnTookAndNotWhatItWaited) {
  Nanos longest{0};
  Nanos told{0};
  loop_.OnTurn([&](Nanos took) {
    EXPECT_GE(took, Nanos(0));
    longest = std::max(longest, took);
    told += took;
  });
  MonoTime began = std::chrono::steady_clock::now();
  Timer waits(loop_, [&] {
    MonoTime until = std::chrono::steady_clock::now() + std::chrono::milliseconds(5);
    while (std::chrono::steady_clock::now() < until) continue;
    loop_.Post([&] { loop_.Stop(); });
  });
  waits.StartAfter(std::chrono::milliseconds(30));
  ASSERT_TRUE(rig_.Run());
  EXPECT_GE(longest, std::chrono::milliseconds(5));
  // What it waited for the timer is in no turn.
  EXPECT_LE(told, std::chrono::steady_clock::now() - began - std::chrono::milliseconds(25));
}

TEST(LoopLifeTest, DropsTasksThatNeverRan) {
  auto token = std::make_shared<int>(1);
  {
    auto loop = Loop::Create();
    ASSERT_TRUE(loop.has_value());
    (*loop)->Post([token] { FAIL(); });
    (*loop)->Stop();
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST(LoopLifeTest, ReturnsEveryDescriptor) {
  ASSERT_TRUE(Loop::Create().has_value());  // the first of a process opens libuv's own signal pipe
  Fd before(dup(0));
  int lowest = before.get();
  before.Close();
  for (int i = 0; i < 20; ++i) {
    auto loop = Loop::Create();
    ASSERT_TRUE(loop.has_value());
    Timer timer(**loop, [] {});
    timer.StartAfter(std::chrono::hours(1));
  }
  Fd after(dup(0));
  EXPECT_EQ(after.get(), lowest);
}

TEST_F(LoopTest, TurnsSignalsIntoCallbacksAndMayDestroyTheWatchInOne) {
  int told = 0;
  std::unique_ptr<SignalWatch> watch;
  watch = std::make_unique<SignalWatch>(loop_, SIGUSR1, [&] {
    ++told;
    watch.reset();
    loop_.Stop();
  });
  SignalWatch also(loop_, SIGUSR1, [&] { ++told; });
  ASSERT_EQ(kill(getpid(), SIGUSR1), 0);
  ASSERT_TRUE(rig_.Run());
  ASSERT_TRUE(rig_.RunUntil([&] { return told == 2; }));
}

}  // namespace
}  // namespace nightjar
