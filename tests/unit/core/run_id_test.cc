#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "ipc/core/ids.h"

namespace nightjar {
namespace {

TEST(RunIdTest, SortsTheNewestFirstAsItsTextDoes) {
  std::vector<RunId> ids;
  // Far enough apart that bytes of every kind are in the times.
  for (int64_t hour = 0; hour < 3000; ++hour)
    ids.push_back(RunId::New(WallTime(std::chrono::seconds(1'700'000'000 + hour * 3607))));
  std::reverse(ids.begin(), ids.end());
  for (size_t i = 1; i < ids.size(); ++i) {
    EXPECT_LT(ids[i - 1], ids[i]);
    EXPECT_LT(ids[i - 1].ToString(), ids[i].ToString());
  }
}

}  // namespace
}  // namespace nightjar
