// The limit of a canvas on disk reads, on a disk that this host really has: that the kernel takes
// it, and who stands below it.
#include <algorithm>

#include "supervisor/cell/disks.h"
#include "tests/kernel/cell/cell_fixture.h"

namespace nightjar {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr CellLimits kReader{64 * kMiB, 4, true};

class DiskTest : public CellTest {
 protected:
  void SetUp() override {
    CellTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (hierarchies_.io.home == ControllerHome::kNone)
      GTEST_SKIP() << "no blkio or io controller on this host";
    for (const char* path : {"/usr", "/", "/var", "/home"})
      if (auto disk = DiskOf(path)) disk_ = disk;
    if (!disk_) GTEST_SKIP() << "nothing of this host's files is on a block device";
    tree_->RemoveAll();
    tree_.reset();
    tree_ = MakeTree({*disk_});
    ASSERT_NE(tree_, nullptr);
    if (!tree_->bounds().disk_read)
      GTEST_SKIP() << "this kernel does not limit reads of disk " << NameOf(*disk_);
  }

  bool v1() const { return hierarchies_.io.home == ControllerHome::kV1; }
  std::string Directory(const std::string& canvas) const {
    return (v1() ? hierarchies_.io.mount : hierarchies_.unified_mount) + "/" + TestTop() +
           "/canvas-" + canvas;
  }
  // The line of the disk in the canvas's control file; "" where it has no limit.
  std::string Limit(const std::string& canvas = "demo") const {
    std::string file = Directory(canvas) + (v1() ? "/blkio.throttle.read_bps_device" : "/io.max");
    auto text = ReadFileAt(AT_FDCWD, file.c_str());
    EXPECT_TRUE(text) << text.error().ToString();
    return text.value_or("(none)");
  }
  std::string Wanted(uint64_t bytes) const {
    std::string name = NameOf(*disk_);
    if (v1()) return name + " " + std::to_string(bytes) + "\n";
    return name + " rbps=" + std::to_string(bytes) + " wbps=max riops=max wiops=max\n";
  }
  static CanvasLimits Reads(uint64_t bytes) {
    CanvasLimits limits;
    limits.disk_read_bytes = bytes;
    return limits;
  }

  std::optional<Disk> disk_;
};

TEST_P(DiskTest, ACanvasCarriesItsLimitAndFollowsIt) {
  auto one = Acquire(kReader, Reads(5 * kMiB));
  EXPECT_EQ(Limit(), Wanted(5 * kMiB));
  auto two = Acquire(kReader, Reads(kMiB));
  EXPECT_EQ(Limit(), Wanted(kMiB));
  auto three = Acquire({64 * kMiB, 4}, {});
  EXPECT_EQ(Limit(), "");
  for (auto* cell : {&one, &two, &three}) tree_->Release(std::move(*cell));
}

TEST_P(DiskTest, AProcessStandsBelowTheLimitOfItsCanvas) {
  auto cell = Acquire(kReader, Reads(5 * kMiB));
  Inmate inmate(*cell, [](auto& ready) {
    ready();
    pause();
  });
  ASSERT_TRUE(inmate.WaitReady());
  // In the unified tree it is in the cell, below the canvas, and the cell is at its last word.
  std::string group = Directory("demo") + (v1() ? "" : "/cell-1");
  std::string pid = std::to_string(inmate.pid()) + "\n";
  EXPECT_EQ(ReadFileAt(AT_FDCWD, (group + "/cgroup.procs").c_str()).value_or(""), pid);
  EXPECT_EQ(cell->ReadUsage()->pids, 1u);
  ASSERT_TRUE(cell->Kill());
  inmate.Reap();
  ASSERT_TRUE(WaitEmpty(*cell));
  tree_->Release(std::move(cell));
}

TEST_P(DiskTest, ADoorMoreIsForThoseAloneWhoAreLimited) {
  auto cell = Acquire({64 * kMiB, 4}, {});
  std::string name = cell->name();
  size_t doors = cell->doors().size();
  tree_->Release(std::move(cell));
  cell = Acquire(kReader, Reads(kMiB));
  EXPECT_EQ(cell->name(), name);
  EXPECT_EQ(cell->doors().size(), doors + (v1() ? 1 : 0));
  tree_->Release(std::move(cell));
  cell = Acquire({64 * kMiB, 4}, {});
  EXPECT_EQ(cell->doors().size(), doors);
  tree_->Release(std::move(cell));
}

TEST_P(DiskTest, TheLimitIsOffUntilTheCellIsEmpty) {
  auto cell = Acquire(kReader, Reads(kMiB));
  Inmate inmate(*cell, [](auto& ready) {
    ready();
    pause();
  });
  ASSERT_TRUE(inmate.WaitReady());
  ASSERT_TRUE(cell->LiftDiskThrottle());
  EXPECT_EQ(Limit(), "");
  // A new limit waits as well, and a release alone does not bring it: somebody is still in there.
  auto other = Acquire(kReader, Reads(2 * kMiB));
  tree_->Release(std::move(cell));
  EXPECT_EQ(tree_->quarantined(), 1u);
  EXPECT_EQ(Limit(), "");
  inmate.Reap();
  for (tree_->Sweep(); tree_->quarantined() > 0; tree_->Sweep()) poll(nullptr, 0, 1);
  EXPECT_EQ(Limit(), Wanted(2 * kMiB));
  tree_->Release(std::move(other));
}

// A number that no device has.
TEST_P(DiskTest, ADiskThatTheKernelDoesNotLimitKeepsNobodyFromRunning) {
  tree_->RemoveAll();
  tree_.reset();
  tree_ = MakeTree({{4095, 1}});
  ASSERT_NE(tree_, nullptr);
  EXPECT_FALSE(tree_->bounds().disk_read);
  auto cell = Acquire(kReader, Reads(kMiB));
  ASSERT_NE(cell, nullptr);
  tree_->Release(std::move(cell));
}

INSTANTIATE_TEST_SUITE_P(Host, DiskTest, testing::Values(Shape::kAsItIs, Shape::kV1Alone),
                         ShapeName);

}  // namespace
}  // namespace nightjar
