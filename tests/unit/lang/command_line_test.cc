#include "worker/lang/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nightjar::lang {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Words(const std::string& text) {
  CommandLine command = ReadCommandLine(text, 1);
  EXPECT_FALSE(command.error) << command.error->message;
  return command.words;
}

LexError ErrorOf(const std::string& text) {
  CommandLine command = ReadCommandLine(text, 7);
  EXPECT_TRUE(command.words.empty());
  EXPECT_TRUE(command.error) << text;
  return command.error.value_or(LexError{});
}

TEST(CommandLineTest, WordsAreApartBySpacesAndLineEnds) {
  EXPECT_THAT(Words("/bin/echo  a\tb\n  c\n"), ElementsAre("/bin/echo", "a", "b", "c"));
}

TEST(CommandLineTest, QuotesHoldSpacesAndEmptyWords) {
  EXPECT_THAT(Words("/bin/sh -c 'echo \"$HOME\" \\n' \"a 'b' \\\" \\\\\" '' x'y z'w"),
              ElementsAre("/bin/sh", "-c", "echo \"$HOME\" \\n", "a 'b' \" \\", "", "xy zw"));
  EXPECT_THAT(Words("/bin/echo a\\ b \\'"), ElementsAre("/bin/echo", "a b", "'"));
}

TEST(CommandLineTest, NothingElseOfAShellMeansAnything) {
  EXPECT_THAT(Words("/bin/echo $HOME * | > ~"),
              ElementsAre("/bin/echo", "$HOME", "*", "|", ">", "~"));
}

TEST(CommandLineTest, LinesThatBeginWithTwoSlashesAreComments) {
  EXPECT_THAT(Words("// what it does\n/bin/echo //x\n// the end"), ElementsAre("/bin/echo", "//x"));
  EXPECT_THAT(Words("/bin/echo a\n  // the end"), ElementsAre("/bin/echo", "a"));
  EXPECT_THAT(Words("/bin/echo 'a\n' //x"), ElementsAre("/bin/echo", "a\n", "//x"));
}

TEST(CommandLineTest, SaysWhereAMistakeIs) {
  LexError error = ErrorOf("/bin/echo a\n  'b c\n");
  EXPECT_EQ(error.message, "this quote is not closed");
  EXPECT_EQ(error.line, 8u);
  EXPECT_EQ(error.column, 3u);
  EXPECT_THAT(ErrorOf("/bin/echo \\").message, HasSubstr("backslash"));
  EXPECT_THAT(ErrorOf(" \n// nothing\n").message, HasSubstr("expected the command"));
  EXPECT_THAT(ErrorOf(std::string("/bin/echo a\0b", 13)).message, HasSubstr("zero bytes"));
}

TEST(CommandLineTest, ACommandIsBounded) {
  std::string many = "/bin/echo";
  for (int i = 0; i < 64; ++i) many += " x";
  EXPECT_THAT(ErrorOf(many).message, HasSubstr("64 words"));
  EXPECT_THAT(ErrorOf("/bin/echo " + std::string(17'000, 'x')).message, HasSubstr("16 KiB"));
}

}  // namespace
}  // namespace nightjar::lang
