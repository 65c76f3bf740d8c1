#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "tests/kernel/cell/cell_fixture.h"

namespace nightjar {
namespace {

class TreeTest : public CellTest {};
class DelegatedTest : public CellTest {};  // with v1 alone it stands at the roots

TEST_P(TreeTest, ASecondSupervisorIsRefused) {
  CellTree::Options options;
  options.top = TestTop();
  auto second = CellTree::Create(options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kExists);
}

TEST_P(TreeTest, RefusesToStandInsideItsOwnTree) {
  CellTree::Options options;
  options.top = TestTop();
  auto cell = Acquire({64 << 20, 4});
  pid_t child = fork();
  if (child == 0) {
    if (!EnterDoors(cell->doors())) _exit(1);
    auto tree = CellTree::Create(options);
    _exit(!tree && tree.error().code == ErrorCode::kInvalid ? 0 : 2);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  tree_->Release(std::move(cell));
}

// A supervisor that dies with a process in a cell, and a helper that outlives it.
TEST_P(TreeTest, LeftoversOfADeadSupervisorAreKilledAndRemoved) {
  tree_->RemoveAll();
  tree_.reset();
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  std::string top = TestTop();
  pid_t supervisor = fork();
  if (supervisor == 0) {
    CellTree::Options options;
    options.top = top;
    auto tree = CellTree::Create(options);
    if (!tree) _exit(1);
    auto cell = (*tree)->Acquire("old", {}, {64 << 20, 8}, 0);
    if (!cell) _exit(2);
    // Where there is no place for helpers, two in the cell.
    std::vector<CellDoor> helper = (*tree)->HelperDoors();
    if (helper.empty()) helper = (*cell)->doors();
    for (const auto& doors : {(*cell)->doors(), helper}) {
      int inside[2];
      if (pipe2(inside, O_CLOEXEC) != 0) _exit(3);
      if (fork() == 0) {
        // The lock lives as long as any copy of its descriptor: a helper execs, which closes it.
        bool in = EnterDoors(doors) && dup2(inside[1], 3) == 3;
        close_range(4, ~0u, 0);
        (void)!write(3, in ? "y" : "n", 1);
        for (;;) pause();
      }
      char byte = 0;
      if (read(inside[0], &byte, 1) != 1 || byte != 'y') _exit(4);
    }
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(supervisor, &status, 0), supervisor);
  ASSERT_EQ(status, 0);
  EXPECT_TRUE(Exists("/canvas-old/cell-1"));
  tree_ = MakeTree();
  ASSERT_NE(tree_, nullptr);
  EXPECT_FALSE(Exists("/canvas-old"));
  for (int i = 0; i < 2; ++i) {
    ASSERT_GT(waitpid(-1, &status, 0), 0);
    EXPECT_EQ(WTERMSIG(status), SIGKILL);
  }
}

// systemd marks a unit that may manage its own subtree with this xattr.
TEST_P(DelegatedTest, StandsBelowADelegatedUnit) {
  std::string unit = hierarchies_.unified_mount + "/" + TestTop() + "/helpers";
  if (setxattr(unit.c_str(), "trusted.delegate", "1", 1, 0) != 0)
    GTEST_SKIP() << "this kernel's cgroup tree takes no xattr: " << strerror(errno);
  CellTree::Options options;
  options.top = TestTop() + "-below";
  pid_t child = fork();
  if (child == 0) {
    if (!EnterDoors(tree_->HelperDoors())) _exit(1);
    auto tree = CellTree::Create(options);
    if (!tree) _exit(2);
    bool below = access((unit + "/" + options.top + "/helpers").c_str(), F_OK) == 0;
    auto cell = (*tree)->Acquire("demo", {}, {16 << 20, 4}, 0);
    if (!cell) _exit(3);
    (*tree)->Release(std::move(*cell));
    (*tree)->RemoveAll();
    bool gone = access((unit + "/" + options.top).c_str(), F_OK) != 0;
    _exit(below && gone ? 0 : 4);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  // Where to the supervisor moved on a v2 host; with systemd it goes with its unit.
  rmdir((unit + "/supervisor").c_str());
}

TEST_P(TreeTest, SaysWhatItStandsOn) {
  EXPECT_EQ(tree_->description(), hierarchies_.Describe());
}

INSTANTIATE_TEST_SUITE_P(Host, TreeTest, testing::Values(Shape::kAsItIs, Shape::kV1Alone),
                         ShapeName);
INSTANTIATE_TEST_SUITE_P(Host, DelegatedTest, testing::Values(Shape::kAsItIs), ShapeName);

}  // namespace
}  // namespace nightjar
