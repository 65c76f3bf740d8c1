#include "ipc/core/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nightjar {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Logged(std::string_view value) {
  ::testing::internal::CaptureStderr();
  LogWarning("told", {{"what", value}});
  return ::testing::internal::GetCapturedStderr();
}

TEST(LogTest, AnEventIsALineOfWordsAndQuotedTexts) {
  EXPECT_THAT(Logged("plain"), HasSubstr("event=told what=plain\n"));
  EXPECT_THAT(Logged("two words"), HasSubstr("what=\"two words\"\n"));
  EXPECT_THAT(Logged(""), HasSubstr("what=\"\"\n"));
  EXPECT_THAT(Logged("a \"b\" \\"), HasSubstr(R"(what="a \"b\" \\")"));
  EXPECT_THAT(Logged("na\u00efve"), HasSubstr("what=\"na\u00efve\""));
}

// Texts of strangers: neither another line nor anything that a terminal obeys.
TEST(LogTest, ShowsNoControlCharacter) {
  EXPECT_THAT(Logged("a\nevent=forged"), HasSubstr(R"(what="a\x0aevent=forged")"));
  EXPECT_THAT(Logged("\x1b[2J"), HasSubstr(R"(what="\x1b[2J")"));
  std::string one_character = Logged("\u009b2J \u00a0");
  EXPECT_THAT(one_character, HasSubstr(R"(what="\xc2\x9b2J)"));
  EXPECT_THAT(one_character, Not(HasSubstr("\u009b")));
  EXPECT_THAT(one_character, HasSubstr("\u00a0"));
}

}  // namespace
}  // namespace nightjar
