#include "supervisor/app/exec_disks.h"

#include <gtest/gtest.h>

#include "supervisor/cell/disks.h"

namespace nightjar {
namespace {

TEST(ExecDisksTest, EachDiskIsThereOnceAndWhatIsOnNoneIsNamed) {
  ExecDisks found = FindExecDisks({"/usr/bin", "/proc/self", "/usr/bin"});
  std::optional<Disk> disk = DiskOf("/usr/bin");
  EXPECT_EQ(found.disks.size(), disk ? 1u : 0u);
  EXPECT_EQ(found.elsewhere.size(), disk ? 1u : 3u);
  EXPECT_EQ(found.elsewhere[disk ? 0 : 1], "/proc/self");
}

}  // namespace
}  // namespace nightjar
