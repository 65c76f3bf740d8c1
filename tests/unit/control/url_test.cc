#include "supervisor/control/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nightjar {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(ControlUrlTest, TakesThePathApart) {
  auto url = ParseControlUrl("/canvases/demo/traces");
  ASSERT_TRUE(url);
  EXPECT_THAT(url->path, ElementsAre("canvases", "demo", "traces"));
  EXPECT_THAT(url->query, IsEmpty());
}

TEST(ControlUrlTest, EmptySegmentsDoNotCount) {
  EXPECT_THAT(ParseControlUrl("/")->path, IsEmpty());
  EXPECT_THAT(ParseControlUrl("//")->path, IsEmpty());
  EXPECT_THAT(ParseControlUrl("/runs/")->path, ElementsAre("runs"));
  EXPECT_THAT(ParseControlUrl("//a//b//")->path, ElementsAre("a", "b"));
}

// A handler's name is one segment, whatever it holds.
TEST(ControlUrlTest, AnEncodedSlashIsPartOfItsSegment) {
  auto url = ParseControlUrl("/canvases/demo/run/GET%20%2Fusers%2f%3Aid");
  ASSERT_TRUE(url);
  EXPECT_THAT(url->path, ElementsAre("canvases", "demo", "run", "GET /users/:id"));
}

TEST(ControlUrlTest, TakesTheQueryApart) {
  auto url = ParseControlUrl("/x?n=5&verdict=wall_time&handler=GET%20%2Fa%3Db&flag&=odd");
  ASSERT_TRUE(url);
  EXPECT_THAT(url->path, ElementsAre("x"));
  EXPECT_THAT(url->query,
              ElementsAre(Pair("", "odd"), Pair("flag", ""), Pair("handler", "GET /a=b"),
                          Pair("n", "5"), Pair("verdict", "wall_time")));
}

TEST(ControlUrlTest, OfARepeatedKeyTheLastCounts) {
  EXPECT_EQ(ParseControlUrl("/x?n=1&n=2")->query.at("n"), "2");
}

TEST(ControlUrlTest, APlusIsAPlusAndASecondQuestionMarkIsAValue) {
  auto url = ParseControlUrl("/a+b?c+d=e+f?g");
  ASSERT_TRUE(url);
  EXPECT_THAT(url->path, ElementsAre("a+b"));
  EXPECT_EQ(url->query.at("c+d"), "e+f?g");
}

TEST(ControlUrlTest, OddEndsOfTheQueryAreNothing) {
  for (const char* target : {"/x?", "/x?&", "/x?&&"}) {
    auto url = ParseControlUrl(target);
    ASSERT_TRUE(url) << target;
    EXPECT_THAT(url->query, IsEmpty()) << target;
  }
}

TEST(ControlUrlTest, BrokenEncodingIsRefusedEverywhere) {
  for (const char* broken : {"%", "%4", "%zz", "a%1", "%%41", "%-1", "% 1"}) {
    std::string text = broken;
    EXPECT_FALSE(ParseControlUrl("/" + text)) << text;
    EXPECT_FALSE(ParseControlUrl("/x?k=" + text)) << text;
    EXPECT_FALSE(ParseControlUrl("/x?" + text + "=v")) << text;
  }
}

// Names travel on in messages whose text is UTF-8: a byte that is none would break the channel to
// the writer, and with it the writer.
TEST(ControlUrlTest, WhatDecodesToNoTextIsRefused) {
  for (const char* broken : {"%ff", "a%c3", "%c3%28", "%ed%a0%80", "%f5%80%80%80"}) {
    std::string text = broken;
    EXPECT_FALSE(ParseControlUrl("/canvases/" + text + "/limits")) << text;
    EXPECT_FALSE(ParseControlUrl("/incidents?canvas=" + text)) << text;
    EXPECT_FALSE(ParseControlUrl("/incidents?" + text)) << text;
  }
  EXPECT_EQ(ParseControlUrl("/x?file=h%C3%A9.dark")->query.at("file"), "h\xc3\xa9.dark");
}

TEST(ControlUrlTest, WhatIsNoPathIsRefused) {
  for (const char* target : {"", "runs", "*", "?n=1", "http://x/runs"})
    EXPECT_FALSE(ParseControlUrl(target)) << target;
}

}  // namespace
}  // namespace nightjar
