#include "supervisor/writer/trace_day.h"

#include <gtest/gtest.h>

namespace nightjar::testing {
namespace {

WallTime At(int64_t ms) {
  return WallTime(std::chrono::milliseconds(ms));
}

constexpr int64_t kDayMs = 86'400'000;

TEST(TraceDayTest, FollowsFromTheId) {
  EXPECT_EQ(TraceDay::Of(RunId::New(At(0)))->Text(), "1970-01-01");
  EXPECT_EQ(TraceDay::Of(RunId::New(At(kDayMs - 1)))->Text(), "1970-01-01");
  EXPECT_EQ(TraceDay::Of(RunId::New(At(kDayMs)))->Text(), "1970-01-02");
  EXPECT_EQ(TraceDay::Of(RunId::New(At(19'675 * kDayMs))), TraceDay::Of(At(19'675 * kDayMs)));
  EXPECT_EQ(TraceDay::Of(*RunId::FromBytes(std::string(16, '\0'))).error().code,
            ErrorCode::kInvalid);
}

TEST(TraceDayTest, IsReadAsItIsPrinted) {
  TraceDay day = TraceDay::Of(At(19'782 * kDayMs));
  EXPECT_EQ(day.Text(), "2024-02-29");
  EXPECT_EQ(TraceDay::Parse("2024-02-29"), day);
  EXPECT_EQ(day.Text(TraceDay::Form::kDigits), "20240229");
  EXPECT_EQ(TraceDay::Parse("20240229", TraceDay::Form::kDigits), day);
  for (const char* bad : {"", "2023-02-29", "2024-13-01", "2024-02-2x", "20240229", "2024/02/29",
                          "2024-02-291", "-024-02-29"})
    EXPECT_FALSE(TraceDay::Parse(bad)) << bad;
}

TEST(TraceDayTest, Counts) {
  TraceDay day = *TraceDay::Parse("2024-03-01");
  EXPECT_EQ(day.Before(std::chrono::days(8)).Text(), "2024-02-22");
  EXPECT_LT(day.Before(std::chrono::days(1)), day);
}

}  // namespace
}  // namespace nightjar::testing
