#include <gtest/gtest.h>

#include "supervisor/cell/cell_counters.h"
#include "supervisor/cell/control_settings.h"
#include "tests/support/fake_cells.h"

namespace nightjar {
namespace {

using Settings = std::vector<ControlSetting>;
constexpr auto kV1 = ControllerHome::kV1;
constexpr auto kV2 = ControllerHome::kUnified;
constexpr auto kSwap = SwapAccounting::kPresent;
constexpr auto kNoSwap = SwapAccounting::kAbsent;

TEST(ControlSettingsTest, V1WritesMemoryAndSwapInTheOrderTheKernelTakes) {
  Settings lower{{"memory.limit_in_bytes", "100"}, {"memory.memsw.limit_in_bytes", "100"}};
  EXPECT_EQ(MemorySettings(kV1, GroupLevel::kCell, kSwap, 0, 100), lower);
  EXPECT_EQ(MemorySettings(kV1, GroupLevel::kCell, kSwap, 200, 100), lower);
  Settings raise{{"memory.memsw.limit_in_bytes", "300"}, {"memory.limit_in_bytes", "300"}};
  EXPECT_EQ(MemorySettings(kV1, GroupLevel::kCell, kSwap, 200, 300), raise);
  Settings free{{"memory.memsw.limit_in_bytes", "-1"}, {"memory.limit_in_bytes", "-1"}};
  EXPECT_EQ(MemorySettings(kV1, GroupLevel::kCell, kSwap, 200, 0), free);
  EXPECT_EQ(MemorySettings(kV1, GroupLevel::kCell, kNoSwap, 0, 100),
            (Settings{{"memory.limit_in_bytes", "100"}}));
}

TEST(ControlSettingsTest, V2SlowsACanvasBeforeItFailsAndGrantsNoSwap) {
  EXPECT_EQ(MemorySettings(kV2, GroupLevel::kCanvas, kSwap, 0, 1000),
            (Settings{{"memory.max", "1000"}, {"memory.high", "900"}, {"memory.swap.max", "0"}}));
  EXPECT_EQ(MemorySettings(kV2, GroupLevel::kCell, kNoSwap, 0, 1000),
            (Settings{{"memory.max", "1000"}}));
  EXPECT_EQ(MemorySettings(kV2, GroupLevel::kCell, kSwap, 1000, 0),
            (Settings{{"memory.max", "max"}, {"memory.swap.max", "max"}}));
  EXPECT_TRUE(MemorySettings(ControllerHome::kNone, GroupLevel::kCell, kSwap, 0, 1000).empty());
}

TEST(ControlSettingsTest, CpuSharesAndQuotas) {
  EXPECT_EQ(CpuSettings(kV1, 1.5, 100, 0),
            (Settings{{"cpu.shares", "1024"}, {"cpu.cfs_quota_us", "150000"}}));
  EXPECT_EQ(CpuSettings(kV2, 0, 200, 0),
            (Settings{{"cpu.weight", "200"}, {"cpu.max", "max 100000"}}));
  EXPECT_EQ(CpuSettings(kV1, 0, 0, 0),
            (Settings{{"cpu.shares", "10"}, {"cpu.cfs_quota_us", "-1"}}));
  EXPECT_EQ(CpuQuota(kV2, 0.0001).value, "1000 100000");
}

TEST(ControlSettingsTest, ABurstFollowsItsQuotaAndFitsIt) {
  EXPECT_EQ(CpuSettings(kV1, 0.5, 100, 20'000), (Settings{{"cpu.shares", "1024"},
                                                          {"cpu.cfs_quota_us", "50000"},
                                                          {"cpu.cfs_burst_us", "20000"}}));
  EXPECT_EQ(CpuSettings(kV2, 0.5, 100, 20'000).back(), (ControlSetting{"cpu.max.burst", "20000"}));
  EXPECT_EQ(CpuBurstWithin(0.5, 20'000), 20'000u);
  EXPECT_EQ(CpuBurstWithin(0.5, 60'000), 50'000u);
  EXPECT_EQ(CpuBurstWithin(0, 60'000), 0u);
}

TEST(ControlSettingsTest, DiskReadsAreBoundedForEachDisk) {
  Disk disk{8, 16};
  EXPECT_EQ(DiskRead(kV1, disk, 1 << 20),
            (ControlSetting{"blkio.throttle.read_bps_device", "8:16 1048576"}));
  EXPECT_EQ(DiskRead(kV1, disk, 0), (ControlSetting{"blkio.throttle.read_bps_device", "8:16 0"}));
  EXPECT_EQ(DiskRead(kV2, disk, 1 << 20), (ControlSetting{"io.max", "8:16 rbps=1048576"}));
  EXPECT_EQ(DiskRead(kV2, disk, 0), (ControlSetting{"io.max", "8:16 rbps=max"}));
}

TEST(CountersTest, FindsAKeyOnlyAtTheStartOfALine) {
  EXPECT_EQ(CounterIn("123\n", ""), 123u);
  EXPECT_EQ(CounterIn("oom_kill_disable 1\nunder_oom 0\noom_kill 7\n", "oom_kill"), 7u);
  EXPECT_EQ(CounterIn("usage_usec 18446744073709551615\n", "usage_usec"), UINT64_MAX);
  EXPECT_EQ(CounterIn("max 3", "max"), 3u);
  EXPECT_EQ(CounterIn("a oom 3\noom", "oom"), 0u);
  EXPECT_EQ(CounterIn("", ""), 0u);
}

TEST(FakeCellsTest, BehaveAsTheContractSays) {
  FakeCellTree tree;
  auto cell = tree.Acquire("demo", {}, {}, 1);
  ASSERT_TRUE(cell);
  tree.last().empty = false;
  tree.last().immortal = true;
  FakeCell& fake = tree.last();
  tree.Release(std::move(*cell));
  EXPECT_EQ(tree.quarantined(), 1u);
  tree.Sweep();
  EXPECT_EQ(tree.quarantined(), 1u);
  fake.immortal = false;
  tree.Sweep();
  EXPECT_EQ(tree.quarantined(), 0u);
}

}  // namespace
}  // namespace nightjar
