// A tree of its own for each test, and processes that live in its cells: on this host as it is, and
// once more with v1 alone, where it has v1 controllers. Needs root; says so and skips otherwise.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <memory>
#include <string>

#include "supervisor/cell/cell.h"
#include "supervisor/cell/hierarchies.h"
#include "tests/support/v1_alone.h"

namespace nightjar {

inline std::string TestTop() {
  return "nightjar-test-" + std::to_string(getpid());
}

// What a process does first after its fork. Async-signal-safe.
inline bool EnterDoors(const std::vector<CellDoor>& doors) {
  for (const CellDoor& door : doors) {
    int fd = openat(door.dir_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1) return false;
    close(fd);
  }
  return true;
}

// A child in a cell that says one byte when it is where the test wants it, and is killed and reaped
// at the end.
class Inmate {
 public:
  // `life` runs in the child: it calls ready() and should not return.
  Inmate(const Cell& cell, const std::function<void(const std::function<void()>& ready)>& life) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    pid_ = fork();
    if (pid_ == 0) {
      if (!EnterDoors(cell.doors())) _exit(111);
      life([&] { (void)!write(ends[1], "r", 1); });
      _exit(0);
    }
    close(ends[1]);
    ready_ = Fd(ends[0]);
  }
  ~Inmate() {
    if (pid_ > 0) kill(pid_, SIGKILL);
    if (pid_ > 0) waitpid(pid_, nullptr, 0);
  }

  // False when it died without a word.
  bool WaitReady() {
    char byte;
    return read(ready_.get(), &byte, 1) == 1;
  }
  int Reap() {
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    pid_ = -1;
    return status;
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  Fd ready_;
};

// Waits for the kernel's word that the cell is empty, at most ten seconds; v1 has to be asked.
inline bool WaitEmpty(const Cell& cell) {
  bool told = cell.events_fd() >= 0;
  for (int looks = 0; looks < 10'000; ++looks) {
    auto empty = cell.Empty();
    if (!empty) return false;
    if (*empty) return true;
    pollfd watched{cell.events_fd(), POLLPRI, 0};
    if (poll(&watched, 1, told ? 10'000 : 1) <= 0 && told) return false;
  }
  return false;
}

enum class Shape { kAsItIs, kV1Alone };

class CellTest : public testing::TestWithParam<Shape> {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root to make cgroups";
    auto found = FindHierarchies();
    ASSERT_TRUE(found) << found.error().ToString();
    if (GetParam() == Shape::kV1Alone) {
      if (found->memory.home != ControllerHome::kV1) GTEST_SKIP() << "no v1 memory on this host";
      as_it_is_ = Fd(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
      ASSERT_TRUE(LeaveV1Alone(found->unified_mount)) << strerror(errno);
      found = FindHierarchies();
      ASSERT_TRUE(found && found->v1_alone());
    }
    if (found->memory.home == ControllerHome::kNone || found->pids.home == ControllerHome::kNone)
      GTEST_SKIP() << "this host lacks the memory or pids controller: " << found->Describe();
    hierarchies_ = *found;
    tree_ = MakeTree();
    ASSERT_NE(tree_, nullptr);
  }
  void TearDown() override {
    if (tree_) {
      tree_->RemoveAll();
      tree_.reset();
      EXPECT_FALSE(TopExists());
    }
    if (as_it_is_.valid()) {
      EXPECT_EQ(setns(as_it_is_.get(), CLONE_NEWNS), 0);
    }
  }

  static std::unique_ptr<CellTree> MakeTree(std::vector<Disk> disks = {}) {
    CellTree::Options options;
    options.top = TestTop();
    options.disks = std::move(disks);
    auto tree = CellTree::Create(options);
    EXPECT_TRUE(tree) << tree.error().ToString();
    return tree ? std::move(*tree) : nullptr;
  }
  std::unique_ptr<Cell> Acquire(const CellLimits& limits, const CanvasLimits& canvas = {}) {
    auto cell = tree_->Acquire("demo", canvas, limits, 0);
    EXPECT_TRUE(cell) << cell.error().ToString();
    return cell ? std::move(*cell) : nullptr;
  }
  // A control file of the cell, wherever its controller lives.
  static std::string FileOf(const Cell& cell, const char* v1, const char* v2) {
    for (const CellDoor& door : cell.doors())
      for (const char* name : {v1, v2})
        if (auto text = ReadFileAt(door.dir_fd, name)) return *text;
    return "(none)";
  }
  std::string ReadCanvasFile(const char* v1, const char* v2) const {
    bool is_v1 = hierarchies_.cpu.home == ControllerHome::kV1;
    std::string path = (is_v1 ? hierarchies_.cpu.mount : hierarchies_.unified_mount) + "/" +
                       TestTop() + "/canvas-demo/" + (is_v1 ? v1 : v2);
    return ReadFileAt(AT_FDCWD, path.c_str()).value_or("(none)");
  }
  void SetMemory(const std::string& group, const std::string& file, const std::string& text) const {
    const Hierarchies& h = hierarchies_;
    std::string mount = h.memory.home == ControllerHome::kV1 ? h.memory.mount : h.unified_mount;
    Status set = WriteFileAt(AT_FDCWD, (mount + "/" + group + "/" + file).c_str(), text);
    EXPECT_TRUE(set) << set.error().ToString();
  }
  // A file of v2 alone: v1 has none to set.
  void SetCanvasMemory(const std::string& file, const std::string& text) const {
    if (hierarchies_.memory.home == ControllerHome::kUnified)
      SetMemory(TestTop() + "/canvas-demo", file, text);
  }
  void SetTopMemory(uint64_t bytes) const {
    bool v1 = hierarchies_.memory.home == ControllerHome::kV1;
    SetMemory(TestTop(), v1 ? "memory.limit_in_bytes" : "memory.max", std::to_string(bytes));
  }
  bool Exists(const std::string& below_top) const {
    std::string path = "/" + TestTop() + below_top;
    const Hierarchies& h = hierarchies_;
    for (const std::string* mount : {&h.unified_mount, &h.memory.mount, &h.pids.mount, &h.cpu.mount,
                                     &h.io.mount, &h.cpuacct.mount, &h.freezer.mount})
      if (!mount->empty() && access((*mount + path).c_str(), F_OK) == 0) return true;
    return false;
  }
  bool TopExists() const { return Exists(""); }

  Fd as_it_is_;  // the mount namespace to go back to
  Hierarchies hierarchies_;
  std::unique_ptr<CellTree> tree_;
};

inline std::string ShapeName(const testing::TestParamInfo<Shape>& info) {
  return info.param == Shape::kAsItIs ? "AsItIs" : "V1Alone";
}

}  // namespace nightjar
