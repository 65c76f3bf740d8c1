#include "supervisor/cli/quantity.h"

#include <gtest/gtest.h>

#include "supervisor/cli/pretty_json.h"
#include "supervisor/cli/short_id.h"
#include "supervisor/cli/table.h"

namespace nightjar::cli {
namespace {

TEST(QuantityTest, SpeaksOfTimesInThreeDigits) {
  const std::pair<uint64_t, const char*> kCases[] = {{0, "0 us"},
                                                     {999, "999 us"},
                                                     {1000, "1.00 ms"},
                                                     {12'345, "12.3 ms"},
                                                     {123'456, "123 ms"},
                                                     {999'499, "999 ms"},
                                                     {999'500, "1.000 s"},
                                                     {2'004'000, "2.004 s"},
                                                     {75'000'000, "75.000 s"},
                                                     {3'725'000'000, "1:02 h"}};
  for (auto [micros, text] : kCases) EXPECT_EQ(TimeText(micros), text);
  EXPECT_EQ(NanosText(87), "87 ns");
  EXPECT_EQ(NanosText(8'765), "8.77 us");
  EXPECT_EQ(NanosText(2'000'000'000), "2.000 s");
}

TEST(QuantityTest, SpeaksOfBytesAndMoments) {
  EXPECT_EQ(BytesText(1023), "1023 B");
  EXPECT_EQ(BytesText(1024), "1.0 KiB");
  EXPECT_EQ(BytesText(67'108'864), "64.0 MiB");
  EXPECT_EQ(BytesText(UINT64_MAX), "16384.0 PiB");
  EXPECT_EQ(ClockText(1'732'448'403'123'456), "2024-11-24 11:40:03.123Z");
  EXPECT_EQ(ClockText(0), "-");
  EXPECT_EQ(CountText(1, "event", "events"), "1 event");
  EXPECT_EQ(CountText(0, "event", "events"), "0 events");
}

TEST(QuantityTest, NamesVerdictsAsHeadersDo) {
  EXPECT_EQ(VerdictText(proto::VERDICT_WALL_TIME), "wall_time");
  EXPECT_EQ(VerdictText(static_cast<proto::Verdict>(99)), "unknown");
  EXPECT_TRUE(WasKilled(proto::VERDICT_MEMORY));
  EXPECT_FALSE(WasKilled(proto::VERDICT_PROGRAM_ERROR));
}

TEST(PrettyJsonTest, ChangesOnlyTheSpace) {
  EXPECT_EQ(PrettyJson("{\"a\":[1,{\"b\":\"x,{}\\\"\"}],\"c\":{},\"d\":[ ],\"e\":-1.5e3}"),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x,{}\\\"\"\n    }\n  ],\n  \"c\": {},\n"
            "  \"d\": [],\n  \"e\": -1.5e3\n}\n");
  EXPECT_EQ(PrettyJson("{\"a\": \"never ends"), "{\n  \"a\": \"never ends\n");
  EXPECT_EQ(PrettyJson(""), "\n");
}

TEST(ShortIdTest, FindsTheOneThatIsMeant) {
  const std::vector<std::string> kIds = {"fe6c1a2b-0000-4000-8000-000000000001",
                                         "fe6c1a2b-0000-4000-8000-000000000002",
                                         "fe6c9999-0000-4000-8000-000000000003"};
  EXPECT_TRUE(IsWholeId(kIds[0]));
  EXPECT_FALSE(IsWholeId("fe6c1a"));
  EXPECT_EQ(*FindId("FE6C99", kIds), kIds[2]);
  EXPECT_EQ(FindId("fe6c1", kIds).error().context,
            "`fe6c1` is no id: give 6 or more of its first characters (0-9, a-f, -)");
  EXPECT_EQ(FindId("fe6c1a", kIds).error().context, "`fe6c1a` is the start of 2 ids, among them " +
                                                        kIds[0] + " and " + kIds[1] +
                                                        ": give more of it");
  EXPECT_EQ(FindId("abcdef", kIds).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(FindId("../../x", kIds).error().code, ErrorCode::kInvalid);
}

TEST(TableTest, AlignsAndMakesHarmless) {
  Table table({{"NAME"}, {"N", Table::Align::kRight}, {"NOTE", Table::Align::kLeft, 8}});
  table.AddRow({"ä", "7", "x"});
  table.AddRow({"long\x1b", "1234", "much too long"});
  EXPECT_EQ(table.Render(Paint()),
            "NAME         N  NOTE\n"
            "ä            7  x\n"
            "long\\x1b  1234  much ...\n");
}

}  // namespace
}  // namespace nightjar::cli
