#include "supervisor/metrics/durations.h"

#include <gtest/gtest.h>

namespace nightjar {
namespace {

TEST(DurationsTest, EachIsInTheBucketWhoseEdgeItDoesNotPass) {
  Durations durations;
  durations.Add(std::chrono::microseconds(50));
  durations.Add(std::chrono::microseconds(51));
  durations.Add(Nanos(-5));
  durations.Add(std::chrono::seconds(100));
  EXPECT_EQ(durations.InBucket(0), 2u);
  EXPECT_EQ(durations.InBucket(1), 1u);
  EXPECT_EQ(durations.InBucket(Durations::kEdges.size()), 1u);
  EXPECT_EQ(durations.sum(), std::chrono::microseconds(101) + std::chrono::seconds(100));
}

}  // namespace
}  // namespace nightjar
