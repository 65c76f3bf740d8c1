#include "supervisor/rules/counter_recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "ipc/core/bounds.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_journal.h"

namespace nightjar::testing {
namespace {

using rules::Counter;
using std::chrono::seconds;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CounterRecorderTest : public ::testing::Test {
 protected:
  void Add(const std::string& canvas, uint64_t kills) {
    rules::Counts counts;
    counts[Counter::kKills] = kills;
    recorder_.Add(canvas, counts);
  }
  // To the next slot's begin.
  void TurnSlot() {
    const auto now = clock_.Wall().time_since_epoch();
    clock_.Advance(bounds::kCounterSlot - now % bounds::kCounterSlot);
    recorder_.Tell();
  }
  // What is asked now, answered.
  proto::CountersTold Told() {
    EXPECT_THAT(journal_.questions, SizeIs(1));
    if (journal_.questions.empty()) return {};
    FakeJournal::Question question = std::move(journal_.questions.front());
    journal_.questions.clear();
    question.answered(proto::FromWriter());
    return question.question.counters_told();
  }

  FakeClock clock_;
  FakeJournal journal_;
  CounterRecorder recorder_{clock_, journal_};
};

TEST_F(CounterRecorderTest, ASlotIsToldOnceItIsOver) {
  TurnSlot();
  const int64_t begins = UnixMillis(clock_.Wall()) / 1000;
  Add("demo", 2);
  clock_.Advance(seconds(30));
  Add("demo", 3);
  recorder_.Tell();
  EXPECT_THAT(journal_.questions, IsEmpty());
  TurnSlot();
  const proto::CountersTold told = Told();
  EXPECT_EQ(told.slot().begins_unix_s(), begins);
  EXPECT_EQ(told.slot().seconds(), 60u);
  ASSERT_EQ(told.slot().rows_size(), 1);
  EXPECT_EQ(told.slot().rows(0).canvas(), "demo");
  EXPECT_EQ(told.slot().rows(0).counts().at("kills"), 5u);
  EXPECT_TRUE(recorder_.settled());
  TurnSlot();
  EXPECT_THAT(journal_.questions, IsEmpty()) << "nothing has happened";
}

TEST_F(CounterRecorderTest, ManyCanvasesAreToldInPartsOneAfterTheOther) {
  for (int i = 0; i < 5000; ++i) Add("canvas-" + std::to_string(i), 1);
  TurnSlot();
  std::set<uint32_t> parts;
  int rows = 0;
  while (!recorder_.settled()) {
    const proto::CountersTold told = Told();
    EXPECT_LE(told.ByteSizeLong(), bounds::kFrameBytes);
    EXPECT_TRUE(parts.insert(told.part()).second);
    rows += told.slot().rows_size();
  }
  EXPECT_EQ(rows, 5000);
  EXPECT_GT(parts.size(), 1u);
  EXPECT_EQ(*parts.rbegin() + 1, parts.size());
}

TEST_F(CounterRecorderTest, WhatTheWriterDidNotTakeIsToldAgain) {
  Add("demo", 2);
  journal_.away = true;
  TurnSlot();
  EXPECT_FALSE(recorder_.settled());
  Add("demo", 1);
  int unkept = 0;
  recorder_.ForEachUnkept([&](const proto::CounterSlot& slot) {
    for (const auto& row : slot.rows()) unkept += static_cast<int>(row.counts().at("kills"));
  });
  EXPECT_EQ(unkept, 3);
  journal_.away = false;
  recorder_.Tell();
  EXPECT_EQ(Told().slot().rows(0).counts().at("kills"), 2u);
}

TEST_F(CounterRecorderTest, WhileTheWriterIsAwayWhatFindsNoRoomIsLostAndCounted) {
  journal_.away = true;
  for (size_t i = 0; i < bounds::kCounterPartsWaiting + 3; ++i) {
    Add("demo", 1);
    TurnSlot();
  }
  EXPECT_EQ(recorder_.lost(), 3u);
}

TEST_F(CounterRecorderTest, AClockThatIsSetBackBeginsAnotherLife) {
  Add("demo", 1);
  TurnSlot();
  const std::string life = Told().life();
  Add("demo", 1);
  clock_.Advance(-seconds(600));
  Add("demo", 1);
  recorder_.Tell();
  EXPECT_EQ(Told().life(), life);
  TurnSlot();
  EXPECT_NE(Told().life(), life);
}

TEST_F(CounterRecorderTest, AtTheEndTheSlotThatIsNotOverIsToldToo) {
  Add("demo", 1);
  recorder_.TellAll();
  EXPECT_EQ(Told().slot().rows_size(), 1);
}

}  // namespace
}  // namespace nightjar::testing
