#include "supervisor/writer/id_prefix.h"

#include <gtest/gtest.h>

#include "ipc/core/ids.h"

namespace nightjar::testing {
namespace {

std::string First(std::string_view prefix) {
  auto range = RangeOfPrefix(prefix);
  return range ? RunId::FromBytes(range->first)->ToString() : "";
}
std::string Last(std::string_view prefix) {
  auto range = RangeOfPrefix(prefix);
  return range ? RunId::FromBytes(range->last)->ToString() : "";
}

TEST(IdPrefixTest, IsARangeOfIds) {
  EXPECT_EQ(First("fe6c1a"), "fe6c1a00-0000-0000-0000-000000000000");
  EXPECT_EQ(Last("fe6c1a"), "fe6c1aff-ffff-ffff-ffff-ffffffffffff");
  EXPECT_EQ(First("fe6c1a2b-"), "fe6c1a2b-0000-0000-0000-000000000000");
  EXPECT_EQ(Last("fe6c1a2b-0000-4"), "fe6c1a2b-0000-4fff-ffff-ffffffffffff");
  const char* whole = "fe6c1a2b-0000-4000-8000-000000000001";
  EXPECT_EQ(First(whole), whole);
  EXPECT_EQ(Last(whole), whole);
}

TEST(IdPrefixTest, NothingElseIsOne) {
  for (const char* text : {"", "fe6c1", "fe6c1g", "fe6c1a2b0", "-fe6c1a", "fe6c1a%", "FE6C1Z",
                           "fe6c1a2b-0000-4000-8000-0000000000010"})
    EXPECT_FALSE(RangeOfPrefix(text)) << text;
}

}  // namespace
}  // namespace nightjar::testing
