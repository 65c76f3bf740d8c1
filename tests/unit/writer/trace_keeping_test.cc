// The decision alone: what speaks for a trace, in which order, and what chance is.
#include "supervisor/writer/trace_keeping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace nightjar::testing {
namespace {

// An id of these random bytes, all the same.
RunId IdOf(unsigned char byte) {
  return *RunId::FromBytes(std::string(6, '\x11') + std::string(10, static_cast<char>(byte)));
}

class KeepingTest : public ::testing::Test {
 protected:
  KeepingTest() {
    rules_.set_one_in(0);
    rules_.set_one_in_by("trace_sample = none (p:1, default)");
    rules_.set_slow_us(1000);
    row_.set_verdict(proto::VERDICT_FINISHED);
    row_.set_http_status(200);
    row_.mutable_usage()->set_wall_us(1000);
  }
  Keeping Decide() { return DecideKeeping(rules_, {run_, row_, killed_, first_, spent_}); }
  proto::NotKept NotKept() { return Decide().not_kept; }

  proto::TraceRules rules_;
  proto::TraceRow row_;
  RunId run_ = IdOf(0x80);
  bool killed_ = false;
  bool first_ = false;
  TraceSpending spent_;
};

TEST_F(KeepingTest, ARunThatNothingSpeaksForIsNotKept) {
  EXPECT_EQ(NotKept(), proto::NOT_KEPT_SAMPLE);
  EXPECT_EQ(Decide().by, "trace_sample = none (p:1, default)");
}

TEST_F(KeepingTest, AnErrorIsKept) {
  row_.set_verdict(proto::VERDICT_PROGRAM_ERROR);
  EXPECT_EQ(NotKept(), proto::NOT_KEPT_NOTHING);
  EXPECT_EQ(Decide().by, "");
  row_.set_verdict(proto::VERDICT_FINISHED);
  row_.set_http_status(500);
  EXPECT_EQ(NotKept(), proto::NOT_KEPT_NOTHING);
  row_.set_http_status(499);  // the caller's mistake
  EXPECT_EQ(NotKept(), proto::NOT_KEPT_SAMPLE);
}

TEST_F(KeepingTest, ASlowOneIsKeptWhereSomethingIsSlow) {
  row_.mutable_usage()->set_wall_us(1001);
  EXPECT_EQ(NotKept(), proto::NOT_KEPT_NOTHING);
  rules_.set_slow_us(0);
  EXPECT_EQ(NotKept(), proto::NOT_KEPT_SAMPLE);
}

TEST_F(KeepingTest, TheFirstOfARevisionIsKept) {
  first_ = true;
  EXPECT_EQ(NotKept(), proto::NOT_KEPT_NOTHING);
}

TEST_F(KeepingTest, WhatSomebodyAskedForIsKept) {
  rules_.set_asked_for(true);
  EXPECT_EQ(NotKept(), proto::NOT_KEPT_NOTHING);
  rules_.set_asked_for(false);
  row_.set_rerun_of("another run");
  EXPECT_EQ(NotKept(), proto::NOT_KEPT_NOTHING);
}

TEST_F(KeepingTest, BudgetsAreForAllButKills) {
  rules_.set_bytes_per_day(100);
  rules_.set_bytes_by("bytes");
  rules_.set_events_per_day(10);
  rules_.set_events_by("events");
  row_.set_verdict(proto::VERDICT_PROGRAM_ERROR);
  spent_ = {9, 99};
  EXPECT_EQ(NotKept(), proto::NOT_KEPT_NOTHING);
  spent_ = {10, 99};
  EXPECT_EQ(NotKept(), proto::NOT_KEPT_EVENTS);
  EXPECT_EQ(Decide().by, "events");
  EXPECT_TRUE(IsUsedUp(rules_, spent_));
  spent_ = {10, 100};
  EXPECT_EQ(NotKept(), proto::NOT_KEPT_BYTES);
  EXPECT_EQ(Decide().by, "bytes");
  killed_ = true;
  EXPECT_EQ(NotKept(), proto::NOT_KEPT_NOTHING);
  EXPECT_FALSE(IsUsedUp({}, spent_)) << "without a budget";
}

TEST_F(KeepingTest, WhatIsNotInTheSampleIsNotABudgetsMatter) {
  rules_.set_bytes_per_day(100);
  spent_ = {0, 100};
  EXPECT_EQ(NotKept(), proto::NOT_KEPT_SAMPLE);
}

TEST(SampleTest, IsOfTheRandomBytesAlone) {
  EXPECT_TRUE(IsInSample(IdOf(0x00), 1'000'000));
  EXPECT_TRUE(IsInSample(IdOf(0xff), 1));
  EXPECT_FALSE(IsInSample(IdOf(0xff), 2));
  EXPECT_TRUE(IsInSample(IdOf(0x7f), 2));
  EXPECT_FALSE(IsInSample(IdOf(0x80), 2));
  EXPECT_FALSE(IsInSample(IdOf(0x00), 0));
  std::string another_time(IdOf(0x7f).bytes());
  another_time[0] = 'x';
  EXPECT_TRUE(IsInSample(*RunId::FromBytes(another_time), 2));
}

TEST(SampleTest, IsOneInN) {
  std::mt19937_64 random(4711);
  constexpr int kRuns = 200'000;
  for (uint64_t one_in : {2, 10, 100}) {
    int kept = 0;
    for (int i = 0; i < kRuns; ++i) {
      std::string bytes(16, '\0');
      for (char& byte : bytes) byte = static_cast<char>(random());
      const RunId run = *RunId::FromBytes(bytes);
      kept += IsInSample(run, one_in);
      // A wider sample has the narrower one in it.
      EXPECT_TRUE(!IsInSample(run, one_in) || IsInSample(run, one_in - 1));
    }
    EXPECT_NEAR(kept, kRuns / one_in, 0.06 * kRuns / static_cast<double>(one_in)) << one_in;
  }
}

TEST(KeptTest, OnlyARowThatPolicyLeftAloneIsRefused) {
  proto::TraceRow row;
  row.set_run_id("x");
  row.set_not_kept_by("trace_sample = 1/9 (p:1, default)");
  EXPECT_TRUE(CheckKept(row));
  row.set_not_kept(proto::NOT_KEPT_EVENTS);
  EXPECT_TRUE(CheckKept(row));
  for (proto::NotKept only_row : {proto::NOT_KEPT_SAMPLE, proto::NOT_KEPT_BYTES}) {
    row.set_not_kept(only_row);
    Status kept = CheckKept(row);
    ASSERT_FALSE(kept);
    EXPECT_EQ(kept.error().code, ErrorCode::kNotKept);
    EXPECT_EQ(kept.error().context,
              "the trace of run x was not kept, by trace_sample = 1/9 (p:1, default): there is "
              "only its row in the list");
  }
}

}  // namespace
}  // namespace nightjar::testing
