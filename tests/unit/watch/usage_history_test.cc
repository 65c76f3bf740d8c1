// A run's usage over its time, in few samples.
#include "supervisor/watch/usage_history.h"

#include <gtest/gtest.h>

#include "ipc/core/bounds.h"

namespace nightjar {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

CellUsage Used(uint64_t n) {
  CellUsage used;
  used.cpu_us = n;
  used.memory_bytes = n * 2;
  used.pids = n * 3;
  return used;
}

TEST(UsageHistoryTest, KeepsWhatItIsGiven) {
  UsageHistory history(seconds(1));
  history.Add(milliseconds(100), Used(1));
  history.End(milliseconds(101), Used(2));
  ASSERT_EQ(history.samples().size(), 2u);
  EXPECT_EQ(history.samples()[0].at, milliseconds(100));
  EXPECT_EQ(history.samples()[0].cpu_us, 1u);
  EXPECT_EQ(history.samples()[0].memory_bytes, 2u);
  EXPECT_EQ(history.samples()[0].pids, 3u);
  EXPECT_EQ(history.samples()[1].cpu_us, 2u);  // the end, however near
}

TEST(UsageHistoryTest, ALongerRunIsSampledLessOften) {
  EXPECT_EQ(UsageHistory(milliseconds(1)).gap(), bounds::kUsageSampleGap);
  EXPECT_EQ(UsageHistory(seconds(32)).gap(), seconds(1));
}

TEST(UsageHistoryTest, AFlurryOfLooksAddsLittle) {
  UsageHistory history(seconds(32));
  for (int ms = 1; ms <= 2000; ++ms) history.Add(milliseconds(ms), Used(1));
  EXPECT_LE(history.samples().size(), 5u);
}

TEST(UsageHistoryTest, StaysBoundedAndEvenInARunThatNeverEnds) {
  UsageHistory history(seconds(1));
  for (int ms = 1; ms <= 3'600'000; ms += 10)
    history.Add(milliseconds(ms), Used(static_cast<uint64_t>(ms)));
  history.End(milliseconds(3'600'000), Used(9));
  const auto& samples = history.samples();
  EXPECT_LE(samples.size(), bounds::kUsageSamples);
  ASSERT_GE(samples.size(), bounds::kUsageSamples / 2);
  EXPECT_EQ(samples[0].at, milliseconds(1));
  EXPECT_EQ(samples.back().cpu_us, 9u);
  Nanos shortest = Nanos::max(), longest{0};
  for (size_t i = 1; i + 1 < samples.size(); ++i) {
    shortest = std::min(shortest, samples[i].at - samples[i - 1].at);
    longest = std::max(longest, samples[i].at - samples[i - 1].at);
  }
  EXPECT_LE(longest, shortest * 4);
}

}  // namespace
}  // namespace nightjar
