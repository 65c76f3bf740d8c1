// Workers in real cells: born into the unified one, entered by themselves elsewhere, killed through
// them.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "supervisor/cell/hierarchies.h"
#include "tests/kernel/worker/zygote_rig.h"

namespace nightjar::testing {
namespace {

class CellDoorsTest : public ZygoteTest {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root to make cgroups";
    auto found = FindHierarchies();
    ASSERT_TRUE(found) << found.error().ToString();
    if (found->unified_mount.empty()) GTEST_SKIP() << "this host has no unified cgroup tree";
    CellTree::Options options;
    options.top = "nightjar-test-" + std::to_string(getpid());
    options.owner_uid = options.owner_gid = kZygoteUid;
    auto tree = CellTree::Create(options);
    ASSERT_TRUE(tree) << tree.error().ToString();
    tree_ = std::move(*tree);
    StartZygote(tree_->HelperDoors());
  }
  void TearDown() override {
    StopZygote();
    if (tree_) tree_->RemoveAll();
  }
  std::unique_ptr<Cell> Acquire(uint64_t memory_bytes) {
    auto cell = tree_->Acquire("demo", CanvasLimits{}, CellLimits{memory_bytes, 4}, 0);
    EXPECT_TRUE(cell) << cell.error().ToString();
    if (!cell) return nullptr;
    // Made by root here, and by the supervisor that it belongs to otherwise.
    for (const CellDoor& door : (*cell)->doors())
      EXPECT_EQ(fchownat(door.dir_fd, "cgroup.procs", kZygoteUid, kZygoteUid, 0), 0);
    return std::move(*cell);
  }

  std::unique_ptr<CellTree> tree_;
};

TEST_F(CellDoorsTest, AWorkerIsInEachOfItsCellsGroups) {
  auto cell = Acquire(64 << 20);
  auto worker = SpawnArmed(cell->doors());
  ASSERT_NE(worker, nullptr);
  std::string pid = std::to_string(worker->process().child().pid());
  for (const CellDoor& door : cell->doors())
    EXPECT_EQ(ReadFileAt(door.dir_fd, "cgroup.procs").value_or("?"), pid + "\n");
  worker.reset();
  tree_->Release(std::move(cell));
}

TEST_F(CellDoorsTest, KillingTheCellKillsTheWorker) {
  auto cell = Acquire(64 << 20);
  auto worker = SpawnArmed(cell->doors());
  ASSERT_NE(worker, nullptr);
  worker->Ask("spin");
  ASSERT_TRUE(cell->Kill());
  ASSERT_TRUE(worker->process().WaitForEnd());
  EXPECT_EQ(worker->process().signal(), SIGKILL);
  EXPECT_TRUE(rig_.RunUntil([&] { return cell->Empty().value_or(false); }));
  worker.reset();
  tree_->Release(std::move(cell));
}

TEST_F(CellDoorsTest, AKilledCellIsGoodForTheNextWorker) {
  auto cell = Acquire(64 << 20);
  for (int life = 0; life < 3; ++life) {
    auto worker = SpawnArmed(cell->doors());
    ASSERT_NE(worker, nullptr);
    std::string pid = std::to_string(worker->process().child().pid());
    for (const CellDoor& door : cell->doors())
      EXPECT_EQ(ReadFileAt(door.dir_fd, "cgroup.procs").value_or("?"), pid + "\n");
    ASSERT_TRUE(cell->Kill());
    ASSERT_TRUE(worker->process().WaitForEnd());
    EXPECT_TRUE(rig_.RunUntil([&] { return cell->Empty().value_or(false); }));
  }
  tree_->Release(std::move(cell));
}

TEST_F(CellDoorsTest, TheCellsMemoryLimitHoldsFromTheFirstByte) {
  auto cell = Acquire(16 << 20);
  auto worker = SpawnArmed(cell->doors());
  ASSERT_NE(worker, nullptr);
  worker->Ask("allocate");
  ASSERT_TRUE(worker->process().WaitForEnd());
  EXPECT_EQ(worker->process().signal(), SIGKILL);
  auto usage = cell->ReadUsage();
  ASSERT_TRUE(usage);
  // Where the kernel kills the whole group (v2), it counts the one that it chose first twice.
  EXPECT_GE(usage->oom_kills, 1u);
  EXPECT_LE(usage->memory_peak_bytes, uint64_t{16} << 20);
  worker.reset();
  tree_->Release(std::move(cell));
}

}  // namespace
}  // namespace nightjar::testing
