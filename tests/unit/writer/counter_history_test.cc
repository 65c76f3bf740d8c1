#include "supervisor/writer/counter_history.h"

#include <gmock/gmock.h>

#include "ipc/core/bounds.h"
#include "tests/unit/writer/writer_rig.h"

namespace nightjar::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kMinute = 60, kHour = 60 * kMinute;

class CounterHistoryTest : public ::testing::Test {
 protected:
  CounterHistoryTest() { Open(); }

  void Open(size_t bytes_max = bounds::kCounterStoreBytes) {
    history_.reset();
    auto history = CounterHistory::Create(dir_ / "counters.db", clock_, bytes_max);
    ASSERT_TRUE(history) << history.error().ToString();
    history_ = std::move(*history);
  }
  int64_t Now() const { return UnixMillis(clock_.Wall()) / 1000 / kMinute * kMinute; }
  static proto::CountersTold Told(const RunId& life, int64_t begins, uint64_t kills,
                                  uint32_t part = 0) {
    proto::CountersTold told;
    told.set_life(std::string(life.bytes()));
    told.set_part(part);
    told.mutable_slot()->set_begins_unix_s(begins);
    told.mutable_slot()->set_seconds(kMinute);
    proto::CounterRow& row = *told.mutable_slot()->add_rows();
    row.set_canvas("demo");
    (*row.mutable_counts())["kills"] = kills;
    return told;
  }
  void Take(const RunId& life, int64_t begins, uint64_t kills, uint32_t part = 0) {
    Status taken = history_->Take(Told(life, begins, kills, part));
    EXPECT_TRUE(taken) << taken.error().ToString();
  }
  proto::CounterHistory List(int64_t since, int64_t until, int64_t after = 0) {
    proto::CountersWanted wanted;
    wanted.set_since_unix_s(since);
    wanted.set_until_unix_s(until);
    wanted.set_after_unix_s(after);
    auto list = history_->List(wanted);
    EXPECT_TRUE(list) << list.error().ToString();
    return list ? *list : proto::CounterHistory();
  }
  // "-2 7": minutes from now, and kills.
  std::vector<std::string> Slots(int64_t since, int64_t until) {
    std::vector<std::string> slots;
    const proto::CounterHistory history = List(since, until);
    EXPECT_FALSE(history.more());
    for (const proto::CounterSlot& slot : history.slots())
      slots.push_back(std::to_string((slot.begins_unix_s() - Now()) / kMinute) + " " +
                      std::to_string(slot.rows(0).counts().at("kills")));
    return slots;
  }

  FakeClock clock_;
  TempDir dir_;
  const RunId life_ = RunId::New(clock_.Wall());
  std::unique_ptr<CounterHistory> history_;
};

TEST_F(CounterHistoryTest, SlotsComeBackOldestFirstWhateverTheOrderTheyCameIn) {
  const RunId other = RunId::New(clock_.Wall());
  Take(life_, Now() - kMinute, 3);
  Take(other, Now() - kMinute, 5);
  Take(life_, Now() - 3 * kMinute, 1);
  Open();
  const std::vector<std::string> all = Slots(Now() - kHour, Now());
  EXPECT_THAT(all, SizeIs(3));
  EXPECT_EQ(all.front(), "-3 1");
  EXPECT_THAT(Slots(Now() - 3 * kMinute, Now() - kMinute), ElementsAre("-3 1"));
  EXPECT_THAT(Slots(Now() - 2 * kMinute, Now() - kMinute), IsEmpty());
}

TEST_F(CounterHistoryTest, WhatIsToldAgainCountsOnce) {
  Take(life_, Now() - kMinute, 3);
  Take(life_, Now() - kMinute, 4);
  Take(life_, Now() - kMinute, 5, 1);
  EXPECT_THAT(Slots(0, Now()), ElementsAre("-1 4", "-1 5"));
}

TEST_F(CounterHistoryTest, AnAnswerIsBoundedAndNeverCutsAMinuteInTwo) {
  auto large = [&](int64_t begins, uint32_t part) {
    proto::CountersTold told = Told(life_, begins, 1, part);
    for (int i = 0; i < 1000; ++i) {
      proto::CounterRow& row = *told.mutable_slot()->add_rows();
      row.set_canvas("canvas-" + std::to_string(i));
      (*row.mutable_counts())["requests"] = 1;
    }
    ASSERT_TRUE(history_->Take(told));
  };
  for (int64_t minute = 10; minute > 0; --minute)
    for (uint32_t part = 0; part < 10; ++part) large(Now() - minute * kMinute, part);
  int64_t after = 0;
  int slots = 0, answers = 0;
  for (bool more = true; more; ++answers) {
    const proto::CounterHistory history = List(0, Now(), after);
    more = history.more();
    ASSERT_FALSE(history.slots().empty());
    EXPECT_LT(history.ByteSizeLong(), 2 * bounds::kHistoryAnswerBytes);
    EXPECT_EQ(history.slots_size() % 10, 0);
    slots += history.slots_size();
    after = history.slots().rbegin()->begins_unix_s();
  }
  EXPECT_EQ(slots, 100);
  EXPECT_GT(answers, 1);
}

TEST_F(CounterHistoryTest, EightDaysAreKept) {
  Take(life_, Now(), 1);
  clock_.Advance(std::chrono::days(7));
  Take(life_, Now(), 2);
  EXPECT_THAT(Slots(0, Now() + kMinute), SizeIs(2));
  clock_.Advance(std::chrono::hours(25));
  Take(life_, Now(), 3);
  EXPECT_THAT(Slots(0, Now() + kMinute), ElementsAre("-1500 2", "0 3"));
}

TEST_F(CounterHistoryTest, TheOldestGoWhereAllWouldTakeTooMuch) {
  constexpr size_t kMost = 64 * 1024;
  Open(kMost);
  const int64_t first = Now();
  for (int i = 0; i < 24 * 60; ++i) {
    Take(life_, Now(), static_cast<uint64_t>(i));
    clock_.Advance(std::chrono::minutes(1));
  }
  const proto::CounterHistory history = List(0, Now());
  ASSERT_FALSE(history.slots().empty());
  EXPECT_GT(history.slots(0).begins_unix_s(), first);
  EXPECT_EQ(history.slots().rbegin()->begins_unix_s(), Now() - kMinute);
  // Of one hour more, at the most.
  EXPECT_LT(history.slots_size(), 1300);
}

TEST_F(CounterHistoryTest, WhatNobodyCanHaveCountedIsRefused) {
  proto::CountersTold told = Told(life_, Now(), 1);
  told.set_life("x");
  EXPECT_FALSE(history_->Take(told));
  told = Told(life_, -kMinute, 1);
  EXPECT_FALSE(history_->Take(told));
  told = Told(life_, Now(), 1);
  told.mutable_slot()->set_seconds(0);
  EXPECT_FALSE(history_->Take(told));
  told = Told(life_, Now(), 1);
  told.mutable_slot()->mutable_rows(0)->set_canvas("../up");
  EXPECT_FALSE(history_->Take(told));
  EXPECT_THAT(Slots(0, Now() + kMinute), IsEmpty());
}

}  // namespace
}  // namespace nightjar::testing
