#include "supervisor/metrics/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace nightjar {
namespace {

TEST(HistogramTest, IsZeroWhenEmpty) {
  EXPECT_EQ(Histogram().Quantile(0.99), 0u);
}

TEST(HistogramTest, IsExactForSmallValues) {
  Histogram histogram;
  for (uint64_t value = 0; value < 32; ++value) histogram.Add(value);
  EXPECT_EQ(histogram.Quantile(1.0), 31u);
  EXPECT_EQ(histogram.Quantile(0.5), 15u);
}

TEST(HistogramTest, IsWithinThreePercentAndNeverTooLow) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> latencies(6, 2);
  Histogram histogram;
  std::vector<uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(static_cast<uint64_t>(latencies(random)));
    histogram.Add(values.back());
  }
  std::sort(values.begin(), values.end());
  for (double share : {0.01, 0.5, 0.9, 0.99, 0.999}) {
    auto rank = static_cast<size_t>(share * static_cast<double>(values.size()));
    uint64_t exact = values[rank == 0 ? 0 : rank - 1];
    uint64_t got = histogram.Quantile(share);
    EXPECT_GE(got, exact) << share;
    EXPECT_LE(static_cast<double>(got), static_cast<double>(exact) * 1.035 + 1) << share;
  }
}

TEST(HistogramTest, KeepsHugeValuesInTheLastBucket) {
  Histogram histogram;
  histogram.Add(~uint64_t{0});
  EXPECT_GT(histogram.Quantile(0.5), uint64_t{3'600'000'000});
}

}  // namespace
}  // namespace nightjar
