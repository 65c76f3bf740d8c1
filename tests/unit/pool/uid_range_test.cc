#include "supervisor/pool/uid_range.h"

#include <gtest/gtest.h>

#include <set>

namespace nightjar {
namespace {

TEST(UidRangeTest, GivesEachIdToOneAtATime) {
  UidRange range(70'000, 3);
  std::set<uint32_t> taken;
  while (auto uid = range.Take()) EXPECT_TRUE(taken.insert(*uid).second);
  EXPECT_EQ(taken, (std::set<uint32_t>{70'000, 70'001, 70'002}));
  EXPECT_EQ(range.free(), 0u);
}

// The longer an id rests, the less can still be under way that belongs to its last user.
TEST(UidRangeTest, TheLongestFreeComesFirst) {
  UidRange range(70'000, 3);
  range.GiveBack(*range.Take());
  EXPECT_EQ(range.Take(), 70'001u);
  EXPECT_EQ(range.Take(), 70'002u);
  EXPECT_EQ(range.Take(), 70'000u);
  EXPECT_EQ(range.Take(), std::nullopt);
}

}  // namespace
}  // namespace nightjar
