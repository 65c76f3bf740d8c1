#include "ipc/core/time_span.h"

#include <gtest/gtest.h>

namespace nightjar {
namespace {

using namespace std::chrono_literals;

TEST(TimeSpanTest, IsANumberAndAUnit) {
  EXPECT_EQ(ReadTimeSpan("90s"), 90s);
  EXPECT_EQ(ReadTimeSpan("15m"), 15min);
  EXPECT_EQ(ReadTimeSpan("2h"), 2h);
  EXPECT_EQ(ReadTimeSpan("3d"), 72h);
  EXPECT_EQ(ReadTimeSpan("0s"), 0s);
  EXPECT_EQ(ReadTimeSpan("100000d"), 2'400'000h);
}

TEST(TimeSpanTest, NothingElseIsOne) {
  for (const char* text : {"", "s", "90", "-1s", "+1s", " 1s", "1 s", "1.5h", "1w", "1ms", "1h30m",
                           "100001d", "2400001h", "99999999999s"})
    EXPECT_FALSE(ReadTimeSpan(text)) << text;
}

}  // namespace
}  // namespace nightjar
