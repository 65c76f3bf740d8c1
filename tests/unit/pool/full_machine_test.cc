// Who gets a worker when every user id of the machine is taken.

#include <gtest/gtest.h>

#include <map>

#include "tests/unit/pool/pool_rig.h"

namespace nightjar::testing {
namespace {

class FullMachineTest : public PoolRig {
 protected:
  FullMachineTest() {
    limits_.concurrency.value = kUids;
    limits_.queue_time.value = std::chrono::seconds(300);
  }

  // Takes every place there is, for a canvas that asks for no more.
  void Fill() {
    for (uint32_t i = 0; i < kUids; ++i) holders_.push_back(&Ask(first_));
    for (Borrower* holder : holders_) ASSERT_TRUE(UntilLent(*holder));
    ASSERT_TRUE(factory_.full());
  }
  // A canvas with requests that wait, which first asks now.
  void Wait(const std::string& canvas, uint64_t weight, size_t requests) {
    limits_.canvas_cpu_weight.value = weight;
    RevisionPtr revision = canvas == "demo" ? first_ : SomeRevision(canvas, 1);
    for (size_t i = 0; i < requests; ++i) waiting_[canvas].push_back(&Ask(revision));
    limits_.canvas_cpu_weight.value = 100;
    Settle();
  }
  size_t Served(const std::string& canvas) {
    size_t served = 0;
    for (const Borrower* borrower : waiting_[canvas]) served += borrower->answers > 0;
    return served;
  }
  // `count` of those who hold a place end, and somebody has each.
  void Free(size_t count) {
    size_t before = 0;
    for (const auto& [canvas, borrowers] : waiting_) before += Served(canvas);
    for (size_t i = 0; i < count; ++i) {
      GiveBack(*holders_.back());
      holders_.pop_back();
    }
    EXPECT_TRUE(Until([&] {
      size_t served = 0;
      for (const auto& [canvas, borrowers] : waiting_) served += Served(canvas);
      return served == before + count;
    }));
  }

  std::vector<Borrower*> holders_;
  std::map<std::string, std::vector<Borrower*>> waiting_;
};

TEST_F(FullMachineTest, WhoFindsNoRoomWaitsAndDoesNotFail) {
  Fill();
  Wait("late", 100, 1);
  EXPECT_EQ(waiting_["late"][0]->answers, 0);
  Free(1);
  EXPECT_FALSE(waiting_["late"][0]->error.has_value());
  EXPECT_NE(waiting_["late"][0]->worker, nullptr);
}

TEST_F(FullMachineTest, PlacesThatComeFreeGoByWeightAndNotByWhoCameFirst) {
  Fill();
  Wait("light", 100, 20);
  Wait("heavy", 300, 20);
  for (int i = 0; i < 16; ++i) Free(1);
  EXPECT_EQ(Served("light"), 4u);
  EXPECT_EQ(Served("heavy"), 12u);
}

// The canvas whose place comes free has no right to it that others have not.
TEST_F(FullMachineTest, ACanvasThatHasManyDoesNotGetItsOwnPlaceBack) {
  Fill();
  Wait("demo", 100, 5);
  Wait("other", 100, 3);
  Free(3);
  EXPECT_EQ(Served("other"), 3u);
  EXPECT_EQ(Served("demo"), 0u);
  Free(2);
  EXPECT_EQ(Served("demo"), 2u);
}

TEST_F(FullMachineTest, WorkersThatNobodyWaitsForGiveTheirPlaceUp) {
  limits_.armed.value = kUids;
  pool_.Refresh(first_);
  ASSERT_TRUE(UntilArmed(kUids));
  limits_.armed.value = 0;
  Wait("late", 100, 2);
  EXPECT_TRUE(Until([&] { return Served("late") == 2; }));
  EXPECT_EQ(pool_.CountsOf("demo").armed, kUids - 2);
}

TEST_F(FullMachineTest, WhoLeavesTheQueueTakesNobodysPlace) {
  Fill();
  Wait("gone", 10'000, 1);
  Wait("stays", 1, 1);
  pool_.Cancel(waiting_["gone"][0]->ticket);
  GiveBack(*holders_.back());
  EXPECT_TRUE(Until([&] { return Served("stays") == 1; }));
  EXPECT_EQ(Served("gone"), 0u);
}

}  // namespace
}  // namespace nightjar::testing
