#include "supervisor/cli/page.h"

#include <gtest/gtest.h>

#include "supervisor/cli/paint.h"

namespace nightjar::cli {
namespace {

TEST(PageTest, WrapsAtSpaces) {
  EXPECT_EQ(WrapAtSpaces("one two three", 7), "one two\n  three");
  EXPECT_EQ(WrapAtSpaces("one two three", 100), "one two three");
  EXPECT_EQ(WrapAtSpaces("alongerwordthanthat fits", 8), "alongerwordthanthat\n  fits");
  EXPECT_EQ(WrapAtSpaces("", 8), "");
  EXPECT_EQ(WrapAtSpaces("  ", 8), "  ");
  EXPECT_EQ(WrapAtSpaces("  one two", 5), "  one\n  two");
}

TEST(PageTest, ColoursTakeNoRoom) {
  Paint paint(Paint::Colours::kOn);
  EXPECT_EQ(WrapAtSpaces(paint.Bad("one") + " two", 7), paint.Bad("one") + " two");
  EXPECT_EQ(CutLines(paint.Bad("abcdef") + "\n", 6), paint.Bad("abcdef") + "\n");
}

TEST(PageTest, CutsLinesAtTheWidth) {
  EXPECT_EQ(CutLines("abcdef\nabcdefg\n", 6), "abcdef\nabc...\n");
  EXPECT_EQ(CutLines("ééééééé", 6), "ééé...\n");
  EXPECT_EQ(CutLines("abcdef", 2), "..\n");
  EXPECT_EQ(CutLines("", 2), "");
  EXPECT_EQ(CutLines("\n\nx\n", 5), "\n\nx\n");
  // A colour ends where it is cut.
  EXPECT_EQ(CutLines(Paint(Paint::Colours::kOn).Bad("abcdefg"), 6), "\x1b[1;31mabc...\x1b[0m\n");
}

TEST(PageTest, CountsTheLinesBehindTheFirst) {
  EXPECT_EQ(FirstLines("a\nb\n", 2, ""), "a\nb\n");
  EXPECT_EQ(FirstLines("a\nb\nc\nd\n", 2, ": ask"), "a\nb\n  ... 2 more lines: ask\n");
}

}  // namespace
}  // namespace nightjar::cli
