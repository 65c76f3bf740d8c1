#include "supervisor/cli/printable.h"

#include <gtest/gtest.h>

namespace nightjar::cli {
namespace {

TEST(PrintableTest, LeavesOrdinaryTextAlone) {
  EXPECT_EQ(Printable("GET /users/:id"), "GET /users/:id");
  EXPECT_EQ(Printable("Zürich, 日本, 🙂"), "Zürich, 日本, 🙂");
}

TEST(PrintableTest, TakesTheTeethOutOfEscapes) {
  EXPECT_EQ(Printable("\x1b[2J\x1b]0;owned\x07"), "\\x1b[2J\\x1b]0;owned\\x07");
  EXPECT_EQ(Printable("a\nb\r\tc\x7f"), "a\\nb\\r\\tc\\x7f");
  EXPECT_EQ(Printable("\xc2\x9b"), "\\u{9b}");          // CSI of one character
  EXPECT_EQ(Printable("\xe2\x80\xae"), "\\u{202e}");    // right to left override
  EXPECT_EQ(Printable("\xe2\x81\xa6x"), "\\u{2066}x");  // an isolate
  EXPECT_EQ(Printable(std::string_view("\0", 1)), "\\x00");
}

TEST(PrintableTest, ShowsBytesThatAreNoText) {
  EXPECT_EQ(Printable("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(Printable("\xc0\x80"), "\\xc0\\x80");           // overlong
  EXPECT_EQ(Printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(Printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
}

TEST(PrintableTest, KeepsTheLinesOfABody) {
  EXPECT_EQ(PrintableText("a\n\tb\x1b"), "a\n\tb\\x1b");
}

TEST(PrintableTest, CutsBetweenCharacters) {
  EXPECT_EQ(CutTo("abcdef", 6), "abcdef");
  EXPECT_EQ(CutTo("abcdefg", 6), "abc...");
  EXPECT_EQ(CutTo("äöüäöüä", 6), "äöü...");
  EXPECT_EQ(CutTo("abcdef", 2), "..");
  EXPECT_EQ(ColumnsOf("äöü"), 3u);
}

}  // namespace
}  // namespace nightjar::cli
