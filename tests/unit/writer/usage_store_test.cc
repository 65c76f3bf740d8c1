#include "supervisor/writer/usage_store.h"

#include <gmock/gmock.h>

#include "tests/unit/writer/writer_rig.h"

namespace nightjar::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kHour = 3600;

class UsageStoreTest : public ::testing::Test {
 protected:
  UsageStoreTest() { Open(); }

  void Open() {
    store_.reset();
    auto store = UsageStore::Create(dir_ / "usage.db", clock_);
    ASSERT_TRUE(store) << store.error().ToString();
    store_ = std::move(*store);
  }
  // The hour that it is.
  int64_t Now() const { return UnixMillis(clock_.Wall()) / 1000 / kHour * kHour; }
  void GoTo(std::chrono::year_month_day day) {
    clock_.Advance(std::chrono::sys_days(day) - clock_.Wall());
  }
  static proto::UsageRow Row(const std::string& canvas, int64_t hour, uint64_t cpu_us,
                             uint64_t finished = 0) {
    proto::UsageRow row;
    row.set_canvas(canvas);
    row.set_begins_unix_s(hour);
    row.mutable_used()->set_cpu_us(cpu_us);
    if (finished > 0) (*row.mutable_used()->mutable_runs())["finished"] = finished;
    return row;
  }
  Status Take(const RunId& life, std::vector<proto::UsageRow> rows) {
    proto::UsageTold told;
    told.set_life(std::string(life.bytes()));
    for (proto::UsageRow& row : rows) *told.add_rows() = std::move(row);
    return store_->Take(told);
  }
  proto::UsageWanted All(proto::UsageBy by) const {
    proto::UsageWanted wanted;
    wanted.set_until_unix_s(Now() + 1000 * 24 * kHour);
    wanted.set_by(by);
    wanted.set_rows_max(1000);
    return wanted;
  }
  proto::UsageList Sum(const proto::UsageWanted& wanted) {
    auto list = store_->Sum(wanted);
    EXPECT_TRUE(list) << list.error().ToString();
    return list ? *list : proto::UsageList();
  }
  // "demo 3600 7": canvas, begin since now, cpu.
  std::vector<std::string> Rows(const proto::UsageWanted& wanted) {
    std::vector<std::string> rows;
    const proto::UsageList list = Sum(wanted);
    for (const auto& row : list.rows())
      rows.push_back(
          row.canvas() + " " +
          (row.begins_unix_s() == 0 ? "-" : std::to_string(row.begins_unix_s() - Now())) + " " +
          std::to_string(row.used().cpu_us()));
    return rows;
  }

  FakeClock clock_;
  const RunId life_ = RunId::New(clock_.Wall());
  const RunId other_life_ = RunId::New(clock_.Wall());
  TempDir dir_;
  std::unique_ptr<UsageStore> store_;
};

TEST_F(UsageStoreTest, WhatIsToldAgainTakesThePlaceOfWhatWasTold) {
  ASSERT_TRUE(Take(life_, {Row("demo", Now(), 5, 1)}));
  ASSERT_TRUE(Take(life_, {Row("demo", Now(), 7, 3)}));
  ASSERT_TRUE(Take(life_, {Row("demo", Now(), 7, 3)}));
  Open();
  EXPECT_THAT(Rows(All(proto::USAGE_BY_HOUR)), ElementsAre("demo 0 7"));
  EXPECT_EQ(Sum(All(proto::USAGE_BY_HOUR)).sum().runs().at("finished"), 3u);
}

TEST_F(UsageStoreTest, LivesAreAddedUp) {
  ASSERT_TRUE(Take(life_, {Row("demo", Now(), 5, 1)}));
  ASSERT_TRUE(Take(other_life_, {Row("demo", Now(), 7, 3)}));
  EXPECT_THAT(Rows(All(proto::USAGE_BY_HOUR)), ElementsAre("demo 0 12"));
  EXPECT_EQ(Sum(All(proto::USAGE_BY_HOUR)).sum().runs().at("finished"), 4u);
}

TEST_F(UsageStoreTest, IsListedByHourDayAndCanvas) {
  GoTo(std::chrono::year(2024) / 2 / 29);
  ASSERT_TRUE(Take(life_, {Row("b", Now(), 1), Row("a", Now(), 2), Row("a", Now() + kHour, 4),
                           Row("a", Now() + 24 * kHour, 8)}));
  EXPECT_THAT(Rows(All(proto::USAGE_BY_HOUR)),
              ElementsAre("a 0 2", "b 0 1", "a 3600 4", "a 86400 8"));
  EXPECT_THAT(Rows(All(proto::USAGE_BY_DAY)), ElementsAre("a 0 6", "b 0 1", "a 86400 8"));
  EXPECT_THAT(Rows(All(proto::USAGE_BY_CANVAS)), ElementsAre("a - 14", "b - 1"));
  proto::UsageWanted one = All(proto::USAGE_BY_HOUR);
  one.set_canvas("a");
  one.set_since_unix_s(Now() + kHour);
  one.set_until_unix_s(Now() + 2 * kHour);
  EXPECT_THAT(Rows(one), ElementsAre("a 3600 4"));
}

TEST_F(UsageStoreTest, ALongListIsCutAndItsSumIsNot) {
  ASSERT_TRUE(Take(life_, {Row("c", Now(), 1), Row("a", Now() + kHour, 2), Row("b", Now(), 4),
                           Row("a", Now(), 8), Row("c", Now() + kHour, 16)}));
  proto::UsageWanted wanted = All(proto::USAGE_BY_CANVAS);
  wanted.set_rows_max(2);
  EXPECT_THAT(Rows(wanted), ElementsAre("a - 10", "b - 4"));
  EXPECT_TRUE(Sum(wanted).more());
  EXPECT_EQ(Sum(wanted).sum().cpu_us(), 31u);
  wanted.set_after("b");
  EXPECT_THAT(Rows(wanted), ElementsAre("c - 17"));
  EXPECT_FALSE(Sum(wanted).more());
  wanted = All(proto::USAGE_BY_HOUR);
  wanted.set_rows_max(2);
  EXPECT_THAT(Rows(wanted), ElementsAre("a 0 8", "b 0 4"));
}

TEST_F(UsageStoreTest, OfWhatIsWrongNothingIsTaken) {
  for (const proto::UsageRow& wrong :
       {Row("../x", Now(), 1), Row("demo", Now() + 1, 1), Row("demo", -kHour, 1)}) {
    Status taken = Take(life_, {Row("demo", Now(), 5), wrong});
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().code, ErrorCode::kInvalid);
  }
  EXPECT_THAT(Rows(All(proto::USAGE_BY_HOUR)), IsEmpty());
  ASSERT_TRUE(Take(life_, {Row("demo", Now(), 5)}));
  EXPECT_THAT(Rows(All(proto::USAGE_BY_HOUR)), ElementsAre("demo 0 5"));
}

TEST_F(UsageStoreTest, MonthsGoAfterThirteen) {
  using std::chrono::year;
  const int64_t first = Now();  // in November 2023
  ASSERT_TRUE(Take(life_, {Row("demo", first, 5)}));
  GoTo(year(2024) / 12 / 31);
  ASSERT_TRUE(Take(life_, {Row("demo", Now(), 7)}));
  EXPECT_EQ(Sum(All(proto::USAGE_BY_CANVAS)).sum().cpu_us(), 12u);
  GoTo(year(2025) / 1 / 1);
  ASSERT_TRUE(Take(life_, {Row("demo", Now(), 7), Row("demo", first, 9)}));
  EXPECT_EQ(Sum(All(proto::USAGE_BY_CANVAS)).sum().cpu_us(), 14u);
  // By the next writer too.
  GoTo(year(2030) / 1 / 1);
  Open();
  EXPECT_THAT(Rows(All(proto::USAGE_BY_CANVAS)), IsEmpty());
}

}  // namespace
}  // namespace nightjar::testing
