#include "rules/counts.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

namespace nightjar::rules {
namespace {

TEST(CountsTest, EachCounterIsFoundByTheNameThatItHas) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kCounters; ++i) {
    const CounterKey& key = KeyOf(static_cast<Counter>(i));
    EXPECT_EQ(static_cast<size_t>(key.counter), i);
    EXPECT_EQ(FindCounter(key.name), &key);
    EXPECT_FALSE(key.about.empty());
    EXPECT_TRUE(names.insert(key.name).second) << key.name;
  }
  EXPECT_EQ(FindCounter("kill"), nullptr);
  EXPECT_EQ(FindCounter(""), nullptr);
  EXPECT_EQ(FindCounter("kills.cpu_time")->counter, Counter::kKillsCpuTime);
  EXPECT_EQ(FindCounter("cpu")->unit, Unit::kTime);
  EXPECT_EQ(FindCounter("response_bytes")->unit, Unit::kBytes);
}

TEST(CountsTest, ALevelIsTheHigherOneAndTheRestIsAdded) {
  Counts counts;
  EXPECT_TRUE(counts.empty());
  counts[Counter::kKills] = 2;
  counts[Counter::kSameCode] = 7;
  Counts more;
  more[Counter::kKills] = 3;
  more[Counter::kSameCode] = 4;
  counts.Add(more);
  EXPECT_EQ(counts[Counter::kKills], 5u);
  EXPECT_EQ(counts[Counter::kSameCode], 7u);
  EXPECT_FALSE(counts.empty());
}

TEST(CountsTest, ASumStopsWhereItWouldBeginAnew) {
  const uint64_t most = std::numeric_limits<uint64_t>::max();
  Counts counts;
  counts[Counter::kCpu] = most - 1;
  Counts more;
  more[Counter::kCpu] = 5;
  counts.Add(more);
  EXPECT_EQ(counts[Counter::kCpu], most);
}

TEST(CountsTest, TravelsByNameWithoutWhatIsZero) {
  Counts counts;
  for (size_t i = 0; i < kCounters; i += 2) counts.values[i] = i + 1;
  proto::CounterRow row = OnWire("demo", counts);
  EXPECT_EQ(row.canvas(), "demo");
  EXPECT_EQ(row.counts_size(), static_cast<int>((kCounters + 1) / 2));
  EXPECT_EQ(row.counts().at("requests"), 1u);
  EXPECT_EQ(FromWire(row), counts);
  EXPECT_EQ(OnWire("demo", Counts()).counts_size(), 0);
}

TEST(CountsTest, PassesOverNamesOfAnotherVersion) {
  proto::CounterRow row;
  (*row.mutable_counts())["kills"] = 3;
  (*row.mutable_counts())["kills.by_the_moon"] = 9;
  Counts expected;
  expected[Counter::kKills] = 3;
  EXPECT_EQ(FromWire(row), expected);
}

}  // namespace
}  // namespace nightjar::rules
