#include "supervisor/control/moment.h"

#include <gtest/gtest.h>

namespace nightjar::testing {
namespace {

constexpr WallTime kNow{std::chrono::seconds(1'700'000'000)};

std::optional<int64_t> Seconds(std::string_view text) {
  auto moment = ParseMoment(text, kNow);
  if (!moment) return std::nullopt;
  return UnixMillis(*moment) / 1000;
}

TEST(MomentTest, IsADayOrATimeOfIt) {
  EXPECT_EQ(Seconds("2026-11-24"), 1'795'478'400);
  EXPECT_EQ(Seconds("2026-11-24T17:27"), 1'795'541'220);
  EXPECT_EQ(Seconds("2026-11-24T17:27:25"), 1'795'541'245);
  EXPECT_EQ(Seconds("2026-11-24T17:27:25Z"), 1'795'541'245);
  EXPECT_EQ(Seconds("1970-01-01"), 0);
}

TEST(MomentTest, IsHowLongAgo) {
  EXPECT_EQ(Seconds("0s"), 1'700'000'000);
  EXPECT_EQ(Seconds("90s"), 1'700'000'000 - 90);
  EXPECT_EQ(Seconds("15m"), 1'700'000'000 - 900);
  EXPECT_EQ(Seconds("2h"), 1'700'000'000 - 7200);
  EXPECT_EQ(Seconds("3d"), 1'700'000'000 - 259'200);
}

TEST(MomentTest, IsNothingElse) {
  for (const char* bad : {"",
                          "x",
                          "5",
                          "5w",
                          "-5d",
                          "5 d",
                          "d",
                          "99999999999d",
                          "100001d",
                          "2026",
                          "2026-11",
                          "2026-02-30",
                          "2026-13-01",
                          "26-11-24",
                          "2026-11-24Z",
                          "2026-11-24T",
                          "2026-11-24T17",
                          "2026-11-24T24:00",
                          "2026-11-24T17:60",
                          "2026-11-24T17:27:60",
                          "2026-11-24T17:27+01:00",
                          "2026-11-24 17:27",
                          "9999-01-01",
                          "1969-01-01",
                          "2026-+1-24"})
    EXPECT_FALSE(ParseMoment(bad, kNow)) << bad;
}

}  // namespace
}  // namespace nightjar::testing
