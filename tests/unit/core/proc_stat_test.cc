#include "ipc/core/proc_stat.h"

#include <gtest/gtest.h>

namespace nightjar {
namespace {

// With a number of its own in each field that is read.
constexpr char kTail[] =
    " S 7 5 6 7 8 9 10 11 12 13 14 15 160 17 18 19 20 21 22 23 24 25 26 27 28\n";

TEST(ProcStatTest, ReadsEachFieldFromItsPlace) {
  auto stat = ParseProcStat(std::string("41 (sh)") + kTail);
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->name, "sh");
  EXPECT_EQ(stat->state, "S");
  EXPECT_EQ(stat->parent, 7);
  EXPECT_EQ(stat->waited_ticks, 177u);
  EXPECT_EQ(stat->threads, 20u);
  EXPECT_EQ(stat->resident_pages, 24u);
}

TEST(ProcStatTest, ANameMayLookLikeTheRest) {
  auto stat = ParseProcStat(std::string("41 (x) R 1 (\n)") + kTail);
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->name, "x) R 1 (\n");
  EXPECT_EQ(stat->parent, 7);
}

TEST(ProcStatTest, WhatIsNoSuchLineIsRefused) {
  for (const char* text : {"", "41", "41 (sh", "41 )sh( S 1", "41 (sh) S 1 2 3", "41 (sh) S x"})
    EXPECT_FALSE(ParseProcStat(text)) << text;
}

}  // namespace
}  // namespace nightjar
