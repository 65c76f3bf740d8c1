#include "policies/units.h"

#include <gtest/gtest.h>

#include <random>

namespace nightjar::policy {
namespace {

using std::chrono::microseconds;

TEST(UnitsTest, ReadsDurations) {
  const std::pair<const char*, int64_t> kCases[] = {{"2s", 2'000'000},
                                                    {"500ms", 500'000},
                                                    {"1.5s", 1'500'000},
                                                    {"0s", 0},
                                                    {"1500us", 1500},
                                                    {"2 m", 120'000'000},
                                                    {"1h", 3'600'000'000},
                                                    {"0.000001s", 1},
                                                    {"1.50000000000000000000000s", 1'500'000}};
  for (auto [text, micros] : kCases) {
    auto parsed = ParseDuration(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error();
    EXPECT_EQ(parsed->count(), micros) << text;
  }
}

TEST(UnitsTest, SaysWhatIsWrongWithAQuantity) {
  const std::pair<const char*, const char*> kDurations[] = {
      {"2", "`2` has no unit: us, ms, s, m or h, as in \"500ms\""},
      {"", "`` does not start with a number"},
      {"-2s", "`-2s` is negative"},
      {"2 sec", "`sec` is not a unit here: us, ms, s, m or h, as in \"500ms\""},
      {"2.5S",
       "`S` is not a unit here: us, ms, s, m or h, as in \"500ms\"; did you mean \"2.5s\"?"},
      {"2.s", "`2.s` has no digit after its point"},
      {"0.0000001s", "`0.0000001s` is no whole number of us"},
      {"99999999999999999999999s", "`99999999999999999999999s` has too many digits"},
      {"9223372036854775807h", "`9223372036854775807h` is too large"}};
  for (auto [text, message] : kDurations) {
    auto parsed = ParseDuration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error(), message);
  }
  EXPECT_EQ(ParseSize("64MB").error(),
            "`MB` is not a unit here: B, KiB, MiB, GiB or TiB, as in \"64MiB\"; did you mean "
            "\"64MiB\"?");
  EXPECT_EQ(ParseSize("64").error(), "`64` has no unit: B, KiB, MiB, GiB or TiB, as in \"64MiB\"");
  EXPECT_EQ(ParseRate("50").error(), "`50` has no unit: /s, /m or /h, as in \"50/s\"");
  EXPECT_EQ(ParseRate("50/day").error(), "`/day` is not a unit here: /s, /m or /h, as in \"50/s\"");
}

TEST(UnitsTest, WritesTheLargestUnitWithoutAFraction) {
  EXPECT_EQ(FormatDuration(microseconds(90'000'000)), "90s");
  EXPECT_EQ(FormatDuration(microseconds(120'000'000)), "2m");
  EXPECT_EQ(FormatDuration(microseconds(1500)), "1500us");
  EXPECT_EQ(FormatDuration(microseconds(0)), "0s");
  EXPECT_EQ(FormatSize(64 << 20), "64MiB");
  EXPECT_EQ(FormatSize(1536), "1536B");
  EXPECT_EQ(FormatSize(0), "0B");
  EXPECT_EQ(FormatRate(50), "50/s");
  EXPECT_EQ(FormatRate(0.5), "30/m");
  EXPECT_EQ(FormatNumber(1.5), "1.5");
}

// What is written reads back as the same value, whatever the value.
TEST(UnitsTest, RoundTripsEveryValue) {
  std::mt19937_64 random(11);
  std::uniform_int_distribution<int> width(0, 62);
  for (int i = 0; i < 20'000; ++i) {
    uint64_t value = random() & ((uint64_t{1} << width(random)) - 1);
    auto duration = ParseDuration(FormatDuration(microseconds(value)));
    ASSERT_TRUE(duration) << value;
    EXPECT_EQ(duration->count(), static_cast<int64_t>(value));
    auto size = ParseSize(FormatSize(value));
    ASSERT_TRUE(size) << value;
    EXPECT_EQ(*size, value);
    double per_second =
        static_cast<double>(1 + value % 1'000'000) / static_cast<double>(1 + i % 97);
    auto rate = ParseRate(FormatRate(per_second));
    ASSERT_TRUE(rate) << FormatRate(per_second);
    EXPECT_EQ(*rate, per_second) << FormatRate(per_second);
  }
}

// What an operator wrote means the same after it was written again.
TEST(UnitsTest, KeepsTheMeaningOfWhatWasWritten) {
  for (const char* text : {"2s", "0.5s", "1500ms", "24h", "90m", "1.25h"})
    EXPECT_EQ(ParseDuration(FormatDuration(*ParseDuration(text))), ParseDuration(text)) << text;
  for (const char* text : {"64MiB", "0.5GiB", "1TiB", "100B", "1.5KiB"})
    EXPECT_EQ(ParseSize(FormatSize(*ParseSize(text))), ParseSize(text)) << text;
  for (const char* text : {"50/s", "7/m", "1/h", "0.1/s", "99.5/m"})
    EXPECT_EQ(ParseRate(FormatRate(*ParseRate(text))), ParseRate(text)) << text;
}

}  // namespace
}  // namespace nightjar::policy
