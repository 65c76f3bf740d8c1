#include "supervisor/cell/hierarchies.h"

#include <gtest/gtest.h>

namespace nightjar {
namespace {

constexpr char kHybrid[] =
    "proc /proc proc rw 0 0\n"
    "tmpfs /sys/fs/cgroup tmpfs rw,mode=755 0 0\n"
    "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n"
    "cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0\n"
    "cgroup /sys/fs/cgroup/pids cgroup rw,relatime,pids 0 0\n"
    "cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,name=systemd 0 0\n"
    "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n";

TEST(HierarchiesTest, FindsTheControllersOfAHybridHost) {
  Hierarchies h = ChooseHierarchies(ParseCgroupMounts(kHybrid), {"hugetlb"});
  EXPECT_EQ(h.unified_mount, "/sys/fs/cgroup/unified");
  EXPECT_EQ(h.memory.home, ControllerHome::kV1);
  EXPECT_EQ(h.memory.mount, "/sys/fs/cgroup/memory");
  EXPECT_EQ(h.cpu.mount, "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_EQ(h.Describe(), "hybrid: v1 memory, pids, cpu + unified");
}

TEST(HierarchiesTest, FindsTheControllersOfAV2Host) {
  auto mounts = ParseCgroupMounts("cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n");
  Hierarchies h = ChooseHierarchies(mounts, SplitWords("cpuset cpu io memory pids\n"));
  EXPECT_EQ(h.memory.home, ControllerHome::kUnified);
  EXPECT_EQ(h.Describe(), "v2: memory, pids, cpu");
  EXPECT_EQ(ChooseHierarchies(mounts, {}).Describe(), "v2: no controller");
}

TEST(HierarchiesTest, DiskReadsAreBlkioInV1AndIoInTheUnifiedTree) {
  auto mounts =
      ParseCgroupMounts("cgroup2 /c/unified cgroup2 rw 0 0\ncgroup /c/blkio cgroup rw,blkio 0 0\n");
  Hierarchies v1 = ChooseHierarchies(mounts, {"memory", "io"});
  EXPECT_EQ(v1.io.home, ControllerHome::kV1);
  EXPECT_EQ(v1.io.mount, "/c/blkio");
  mounts.pop_back();
  EXPECT_EQ(ChooseHierarchies(mounts, {"memory", "io"}).io.home, ControllerHome::kUnified);
  EXPECT_EQ(ChooseHierarchies(mounts, {"memory", "blkio"}).io.home, ControllerHome::kNone);
}

TEST(HierarchiesTest, MixesAndGapsAreSaid) {
  auto mounts = ParseCgroupMounts(
      "cgroup /c/memory cgroup rw,memory 0 0\ncgroup2 /c/unified cgroup2 rw 0 0\n");
  EXPECT_EQ(ChooseHierarchies(mounts, {"pids"}).Describe(), "hybrid: v1 memory + unified pids");
  mounts.pop_back();
  EXPECT_EQ(ChooseHierarchies(mounts, {}).Describe(), "v1 alone: memory");
  EXPECT_EQ(ChooseHierarchies({}, {}).Describe(), "none");
}

TEST(HierarchiesTest, V1AloneNeedsWhatTheUnifiedTreeDoesBetter) {
  auto mounts = ParseCgroupMounts(
      "cgroup /c/memory cgroup rw,memory 0 0\ncgroup /c/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n"
      "cgroup /c/freezer cgroup rw,freezer 0 0\ncgroup2 /c/unified cgroup2 rw 0 0\n");
  EXPECT_EQ(ChooseHierarchies(mounts, {}).Describe(), "hybrid: v1 memory, cpu + unified");
  mounts.pop_back();
  Hierarchies alone = ChooseHierarchies(mounts, {});
  EXPECT_TRUE(alone.v1_alone());
  EXPECT_EQ(alone.Describe(), "v1 alone: memory, cpu, cpuacct, freezer");
  EXPECT_EQ(alone.cpuacct.mount, "/c/cpu,cpuacct");
  EXPECT_EQ(alone.members().mount, "/c/memory");
}

TEST(HierarchiesTest, MountPointsAreUnescapedAndOtherLinesIgnored) {
  auto mounts = ParseCgroupMounts(
      "short line\n\ncgroup2 /mnt/my\\040groups cgroup2 rw 0 0\nx /y ext4 rw 0 0\ncgroup2 /z\\0 "
      "cgroup2 rw 0 0");
  ASSERT_EQ(mounts.size(), 2u);
  EXPECT_EQ(mounts[0].path, "/mnt/my groups");
  EXPECT_EQ(mounts[1].path, "/z\\0");
}

TEST(HierarchiesTest, ReadsTheCallersOwnGroups) {
  auto own = ParseOwnGroups(
      "4:memory:/a/b\n3:cpu,cpuacct:/\n1:name=systemd:/s\n0::/system.slice/x:y\nnonsense\n");
  EXPECT_EQ(own["memory"], "/a/b");
  EXPECT_EQ(own["cpuacct"], "/");
  EXPECT_EQ(own[""], "/system.slice/x:y");
  EXPECT_EQ(own.count("pids"), 0u);
}

}  // namespace
}  // namespace nightjar
