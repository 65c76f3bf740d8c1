#include "supervisor/cell/disks.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace nightjar {
namespace {

namespace fs = std::filesystem;

// A directory as /sys/dev/block is: links into a tree in which a partition lies below its disk.
class DisksTest : public testing::Test {
 protected:
  DisksTest() {
    Write(top_ / "devices/sda", "8:0");
    Write(top_ / "devices/sda/sda1", "259:3");
    std::ofstream(top_ / "devices/sda/sda1/partition") << "1\n";
    Write(top_ / "devices/odd", "not a device");
    fs::create_directories(top_ / "block");
    fs::create_symlink("../devices/sda", top_ / "block/8:0");
    fs::create_symlink("../devices/sda/sda1", top_ / "block/259:3");
    fs::create_symlink("../devices/odd", top_ / "block/9:9");
  }
  ~DisksTest() override { fs::remove_all(top_); }

  static void Write(const fs::path& device, const char* number) {
    fs::create_directories(device);
    std::ofstream(device / "dev") << number << "\n";
  }
  std::optional<Disk> Whole(const Disk& device) const {
    return WholeDisk(device, (top_ / "block").string());
  }

  const fs::path top_ = fs::temp_directory_path() / ("disks-test-" + std::to_string(getpid()));
};

TEST_F(DisksTest, APartitionIsItsDisk) {
  EXPECT_EQ(Whole({259, 3}), (Disk{8, 0}));
  EXPECT_EQ(Whole({8, 0}), (Disk{8, 0}));
}

TEST_F(DisksTest, WhatIsOnNoDeviceIsNoDisk) {
  EXPECT_EQ(Whole({0, 21}), std::nullopt);
  EXPECT_EQ(Whole({9, 9}), std::nullopt);
  EXPECT_EQ(DiskOf("/proc/self"), std::nullopt);
  EXPECT_EQ(DiskOf((top_ / "nothing").string()), std::nullopt);
}

TEST_F(DisksTest, NamesReadBack) {
  EXPECT_EQ(NameOf({8, 16}), "8:16");
  EXPECT_EQ(ParseDisk("8:16\n"), (Disk{8, 16}));
  for (const char* wrong : {"", "8", "8:", ":16", "8:16 ", "8:16:1", "-8:1", "x:y", "8:4294967296"})
    EXPECT_EQ(ParseDisk(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace nightjar
