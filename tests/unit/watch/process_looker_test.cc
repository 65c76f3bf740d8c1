// Looks off the loop, and what happens when one takes its time.
#include "supervisor/watch/process_looker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <optional>

#include "ipc/core/bounds.h"
#include "tests/support/loop_rig.h"

namespace nightjar::testing {
namespace {

using ::testing::HasSubstr;

class ProcessLookerTest : public ::testing::Test {
 protected:
  // Every look waits until the gate is open.
  ProcessLook Held(const std::vector<int>& pids) {
    ++begun_;
    begun_.notify_all();
    open_.wait();
    ProcessLook look;
    look.in_all = pids.size();
    return look;
  }
  void WaitForLook() {
    while (begun_ == 0) begun_.wait(0);
  }

  LoopRig rig_;
  SystemClock clock_;
  std::promise<void> gate_;
  std::shared_future<void> open_ = gate_.get_future().share();
  std::atomic<int> begun_ = 0;
};

TEST_F(ProcessLookerTest, TellsInALaterTurn) {
  ProcessLooker looker(rig_.loop(), [](const std::vector<int>& pids) {
    ProcessLook look;
    look.in_all = pids.size();
    return look;
  });
  std::optional<ProcessLook> seen;
  auto ticket = looker.Begin({1, 2}, [&](ProcessLook look) { seen = std::move(look); });
  EXPECT_FALSE(seen);
  ASSERT_TRUE(rig_.RunUntil([&] { return seen.has_value(); }));
  EXPECT_EQ(seen->in_all, 2u);
}

TEST_F(ProcessLookerTest, LooksAtRealProcesses) {
  ProcessLooker looker(rig_.loop(), clock_, std::chrono::minutes(1));
  std::optional<ProcessLook> seen;
  auto ticket = looker.Begin({getpid()}, [&](ProcessLook look) { seen = std::move(look); });
  ASSERT_TRUE(rig_.RunUntil([&] { return seen.has_value(); }));
  ASSERT_EQ(seen->processes.size(), 1u);
  EXPECT_EQ(seen->processes[0].pid(), getpid());
}

TEST_F(ProcessLookerTest, WhoIsHeldUpIsNotWaitedFor) {
  ProcessLooker looker(rig_.loop(), [this](const auto& pids) { return Held(pids); });
  int told = 0;
  ProcessLook seen;
  auto ticket = looker.Begin({1, 2, 3}, [&](ProcessLook look) {
    ++told;
    seen = std::move(look);
  });
  WaitForLook();
  ASSERT_TRUE(rig_.RunUntil([&] { return told > 0; }));
  EXPECT_EQ(seen.in_all, 3u);
  ASSERT_EQ(seen.left_out.size(), 1u);
  EXPECT_THAT(seen.left_out[0], HasSubstr("took longer than a kill may wait"));
  // Its look comes after all, and is not told again. Another one's is, behind it.
  gate_.set_value();
  int others = 0;
  auto other = looker.Begin({1}, [&](ProcessLook) { ++others; });
  ASSERT_TRUE(rig_.RunUntil([&] { return others > 0; }));
  EXPECT_EQ(told, 1);
}

TEST_F(ProcessLookerTest, NobodyIsToldWhoseTicketIsGone) {
  ProcessLooker looker(rig_.loop(), [this](const auto& pids) { return Held(pids); });
  int told = 0;
  auto ticket = looker.Begin({1}, [&](ProcessLook) { ++told; });
  WaitForLook();
  ticket.reset();
  gate_.set_value();
  int others = 0;
  auto other = looker.Begin({1}, [&](ProcessLook) { ++others; });
  ASSERT_TRUE(rig_.RunUntil([&] { return others > 0; }));
  EXPECT_EQ(told, 0);
}

TEST_F(ProcessLookerTest, AFloodOfKillsIsBounded) {
  ProcessLooker looker(rig_.loop(), [this](const auto& pids) { return Held(pids); });
  size_t told = 0, empty = 0;
  std::vector<std::shared_ptr<ProcessLooker::Ticket>> tickets;
  const size_t kMany = 3 * bounds::kLooksWaiting;
  for (size_t i = 0; i < kMany; ++i)
    tickets.push_back(looker.Begin({1}, [&](ProcessLook look) {
      ++told;
      empty += look.left_out.size();
    }));
  ASSERT_TRUE(rig_.RunUntil([&] { return told == kMany; }));
  EXPECT_EQ(empty, kMany);
  gate_.set_value();
  tickets.clear();
}

}  // namespace
}  // namespace nightjar::testing
