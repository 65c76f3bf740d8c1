// Cells that are nothing but a user's processes. Needs no privilege.
#include "supervisor/cell/process_tree.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <memory>
#include <vector>

#include "supervisor/cell/process_usage.h"

namespace nightjar {
namespace {

constexpr size_t kTouched = size_t{16} << 20;
constexpr uint64_t kBurntUs = 30'000;

void Burn() {
  timespec used{};
  do {
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  } while (used.tv_sec == 0 && used.tv_nsec / 1000 < static_cast<long>(kBurntUs));
}

// A process with a child, which has burnt and touched so much once this is made. Both wait then.
class Family {
 public:
  Family() {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    parent_ = fork();
    if (parent_ == 0) {
      setpgid(0, 0);
      if (fork() == 0) {
        std::vector<char> touched(kTouched, 'x');
        Burn();
        (void)!write(ends[1], touched.data(), 1);
        for (;;) pause();
      }
      for (;;) pause();
    }
    close(ends[1]);
    char byte;
    EXPECT_EQ(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    pidfd_ = Fd(static_cast<int>(syscall(SYS_pidfd_open, parent_, 0)));
  }
  ~Family() { End(); }

  void End() {
    if (parent_ <= 0) return;
    kill(-parent_, SIGKILL);
    waitpid(parent_, nullptr, 0);
    parent_ = -1;
  }
  int pid() const { return parent_; }
  const Fd& pidfd() const { return pidfd_; }

 private:
  pid_t parent_ = -1;
  Fd pidfd_;
};

TEST(ProcessUsageTest, CountsAProcessAndWhatIsBelowIt) {
  Family family;
  ProcessUsage usage = UsageOfTree(family.pid());
  EXPECT_EQ(usage.processes, 2u);
  EXPECT_GE(usage.cpu_us, kBurntUs);
  EXPECT_GE(usage.memory_bytes, kTouched);
}

TEST(ProcessUsageTest, NobodyUsesNothing) {
  EXPECT_EQ(UsageOfTree(0).processes, 0u);
  Family family;
  int pid = family.pid();
  family.End();
  EXPECT_EQ(UsageOfTree(pid).processes, 0u);
}

class ProcessTreeTest : public ::testing::Test {
 protected:
  ProcessTreeTest() {
    tree_.SetUserKiller({[this](uint32_t uid) -> Result<uint64_t> {
                           killed_.push_back(uid);
                           return killed_.size();
                         },
                         [this] { return done_; }});
  }
  std::unique_ptr<Cell> Acquire(const CellLimits& limits) {
    return std::move(*tree_.Acquire("demo", {}, limits, 4242));
  }

  ProcessTree tree_;
  std::vector<uint32_t> killed_;
  uint64_t done_ = 0;
};

TEST_F(ProcessTreeTest, AKilledCellIsEmptyOnceTheKillIsDoneAndItsProcessIsGone) {
  Family family;
  auto cell = Acquire({});
  EXPECT_TRUE(*cell->Empty());
  cell->Settle(family.pidfd());
  EXPECT_FALSE(*cell->Empty());
  ASSERT_TRUE(cell->Kill());
  EXPECT_EQ(killed_, std::vector<uint32_t>{4242});
  family.End();
  EXPECT_FALSE(*cell->Empty());  // the order may still be on its way, to the id's next owner
  done_ = 1;
  EXPECT_TRUE(*cell->Empty());
  tree_.Release(std::move(cell));
  EXPECT_EQ(tree_.quarantined(), 0u);
}

TEST_F(ProcessTreeTest, OneThatDoesNotDieIsKilledAgainAtEachSweep) {
  Family family;
  auto cell = Acquire({});
  cell->Settle(family.pidfd());
  const std::string name = cell->name();
  tree_.Release(std::move(cell));
  EXPECT_EQ(tree_.quarantined(), 1u);
  tree_.Sweep();
  EXPECT_EQ(killed_.size(), 2u);
  family.End();
  done_ = 2;
  std::string freed;
  tree_.OnFreed([&](const std::string& cell) { freed = cell; });
  tree_.Sweep();
  EXPECT_EQ(tree_.quarantined(), 0u);
  EXPECT_EQ(freed, name);
}

// It grows after it was settled, as a program does: what it started with was the zygote's.
TEST_F(ProcessTreeTest, WhoAsksIsToldThatMemoryIsOverItsLimit) {
  int go[2], ready[2];
  ASSERT_EQ(pipe2(go, O_CLOEXEC), 0);
  ASSERT_EQ(pipe2(ready, O_CLOEXEC), 0);
  pid_t child = fork();
  if (child == 0) {
    char byte;
    (void)!read(go[0], &byte, 1);
    std::vector<char> touched(kTouched, 'x');
    (void)!write(ready[1], touched.data(), 1);
    for (;;) pause();
  }
  Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  auto cell = Acquire({kTouched / 2, 0});
  cell->Settle(pidfd);
  EXPECT_EQ(cell->ReadUsage()->oom_kills, 0u);
  char byte = 'g';
  ASSERT_EQ(write(go[1], &byte, 1), 1);
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  auto usage = cell->ReadUsage();
  EXPECT_EQ(usage->oom_kills, 1u);
  EXPECT_GE(usage->memory_bytes, kTouched);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_GE(tree_.CanvasUsage("demo")->memory_peak_bytes, kTouched);
  tree_.Release(std::move(cell));
  EXPECT_EQ(tree_.CanvasUsage("demo")->oom_kills, 1u);
  for (int fd : {go[0], go[1], ready[0], ready[1]}) close(fd);
}

}  // namespace
}  // namespace nightjar
