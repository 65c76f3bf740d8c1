// Dates: what is read as one, and how their parts are told.

#include <gtest/gtest.h>

#include "tests/unit/lang/engine_rig.h"
#include "worker/lang/repr.h"
#include "worker/lang/date_parser.h"

namespace nightjar::lang {
namespace {

using nightjar::testing::EngineRig;

std::string Read(const std::string& text) {
  auto ms = ParseDate(text);
  return ms ? IsoDate(*ms) : "no date";
}

TEST(DateParserTest, ReadsEveryWayOfWritingADate) {
  EXPECT_EQ(Read("2019-07-28T22:42:36Z"), "2019-07-28T22:42:36Z");
  EXPECT_EQ(Read("2019 07 28 22:42"), "2019-07-28T22:42:00Z");
  EXPECT_EQ(Read("20190728224236"), "2019-07-28T22:42:36Z");
  EXPECT_EQ(Read("2019-07-28T2242+0200"), "2019-07-28T20:42:00Z");
  EXPECT_EQ(Read("2019-07-28T00:10:00+14:00"), "2019-07-27T10:10:00Z");
  EXPECT_EQ(Read("2019-12-31T23:59:59-02:00"), "2020-01-01T01:59:59Z");
  EXPECT_EQ(Read("2020-02-29T12:00:00AM"), "2020-02-29T00:00:00Z");
  EXPECT_EQ(Read("2020-02-29T12:00pm"), "2020-02-29T12:00:00Z");
  EXPECT_EQ(*ParseDate("1970-01-01T00:00:01.2345678Z") - 1234, 0);
  EXPECT_EQ(*ParseDate("1969-12-31T23:59:59.5Z"), -500);
}

TEST(DateParserTest, RefusesEverythingElse) {
  for (const char* text : {"",
                           "2019",
                           "2019-07-28",
                           "2019-7-28T22:42:36Z",
                           "2019-07 28T22:42:36Z",
                           "2019-13-01T00:00:00Z",
                           "2019-02-29T00:00:00Z",
                           "0000-01-01T00:00:00Z",
                           "2019-07-28T24:00:00Z",
                           "2019-07-28T23:60:00Z",
                           "2019-07-28T23:00:60Z",
                           "2019-07-28T13:00:00pm",
                           "2019-07-28T00:00:00am",
                           "2019-07-28T22:42:36z",
                           "2019-07-28T22:42:36GMT",
                           "2019-07-28T22:42:36+15:00",
                           "2019-07-28T22:42:36+01:60",
                           "2019-07-28T22:42:36+",
                           "2019-07-28T22:42:36.Z",
                           "2019-07-28T22:42:36.12345678Z",
                           "2019-07-28T22:42.5Z",
                           " 2019-07-28T22:42:36Z",
                           "2019-07-28T22:42:36Z ",
                           "0001-01-01T00:00:00+01:00",
                           "2019-07-28T22:4236Z"})
    EXPECT_EQ(Read(text), "no date") << text;
}

class DateTest : public ::testing::Test {
 protected:
  std::string Eval(const std::string& expression) { return rig_.Eval(expression); }

  EngineRig rig_;
};

TEST_F(DateTest, TellsItsParts) {
  EXPECT_EQ(Eval("let d = Date.parse_v0 \"2021-12-05T03:04:05Z\" in [Date.year d; Date.month d; "
                 "Date.day d; Date.weekday d; Date.hour_v2 d; Date.minute_v1 d; Date.second_v1 d]"),
            "[2021,12,5,7,3,4,5\n]");
  EXPECT_EQ(Eval("Date.weekday (Date.parse_v0 \"1969-12-31T00:00:00Z\")"), "3");
  EXPECT_EQ(Eval("Date.toStringISO8601BasicDate (Date.parse_v0 \"0099-01-02T00:00:00Z\")"),
            "\"00990102\"");
}

TEST_F(DateTest, MovesAndComparesWithinTheirBounds) {
  EXPECT_EQ(Eval("Date.add (Date.parse_v0 \"1969-12-31T23:59:59.5Z\") 1"),
            "\"1970-01-01T00:00:00Z\"");
  EXPECT_EQ(Eval("Date.toSeconds (Date.parse_v0 \"1969-12-31T23:59:59.5Z\")"), "-1");
  EXPECT_EQ(Eval("Date.(<) (Date.fromSeconds 1) (Date.fromSeconds 2)"), "true");
  EXPECT_EQ(rig_.ErrorOf("Date.fromSeconds 9223372036854775807"), "Unknown error");
  EXPECT_EQ(rig_.ErrorOf("Date.subtractSeconds (Date.now) -9223372036854775808"), "Unknown error");
  EXPECT_EQ(Eval("Date.(<=) Date.today Date.now"), "true");
}

TEST_F(DateTest, ReadsUuidsInEveryForm) {
  for (const char* form :
       {"3700ADBC-7a46-4ff4-81d3-45afb03f6e2d", "3700adbc7a464ff481d345afb03f6e2d",
        "{3700adbc-7a46-4ff4-81d3-45afb03f6e2d}", " (3700adbc-7a46-4ff4-81d3-45afb03f6e2d) "})
    EXPECT_EQ(Eval("Uuid.parse \"" + std::string(form) + "\""),
              "\"3700adbc-7a46-4ff4-81d3-45afb03f6e2d\"");
  EXPECT_EQ(Eval("String.length_v1 (toString (Uuid.generate))"), "36");
  for (const char* none :
       {"", "3700adbc-7a46-4ff4-81d3-45afb03f6e2", "{3700adbc7a464ff481d345afb03f6e2d}",
        "3700adbc-7a46-4ff4-81d3_45afb03f6e2d"})
    EXPECT_NE(Eval("Uuid.parse \"" + std::string(none) + "\"").find("was not of form"),
              std::string::npos)
        << none;
}

}  // namespace
}  // namespace nightjar::lang
