#include <sys/mman.h>
#include <sys/prctl.h>

#include <cstring>

#include "ipc/core/bounds.h"
#include "supervisor/cell/cell_counters.h"
#include "tests/kernel/cell/cell_fixture.h"

namespace nightjar {
namespace {

constexpr uint64_t kMiB = 1 << 20;

void Dirty(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED) memset(memory, 1, bytes);
}

void BurnCpu(int64_t ns) {
  timespec now;
  do {
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  } while (now.tv_sec * 1'000'000'000 + now.tv_nsec < ns);
}

TEST_P(CellTest, FreshCellCarriesItsLimits) {
  auto cell = Acquire({32 * kMiB, 7}, {256 * kMiB, 100, 1.5, 200});
  EXPECT_EQ(FileOf(*cell, "memory.limit_in_bytes", "memory.max"), "33554432\n");
  EXPECT_EQ(FileOf(*cell, "pids.max", "pids.max"), "7\n");
  EXPECT_EQ(cell->name(), "canvas-demo/cell-1");
  auto usage = cell->ReadUsage();
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->pids, 0u);
  EXPECT_EQ(usage->cpu_us, 0u);
  EXPECT_TRUE(cell->Empty().value());
  tree_->Release(std::move(cell));
}

TEST_P(CellTest, CanvasQuotaFollowsItsLimits) {
  auto quota = [&] { return ReadCanvasFile("cpu.cfs_quota_us", "cpu.max"); };
  if (hierarchies_.cpu.home == ControllerHome::kNone)
    GTEST_SKIP() << "no cpu controller on this host";
  auto one = Acquire({}, {0, 0, 1.5, 100});
  EXPECT_EQ(std::stol(quota()), 150'000);
  auto two = Acquire({}, {0, 0, 0.5, 100});
  EXPECT_EQ(std::stol(quota()), 50'000);
  tree_->Release(std::move(one));
  tree_->Release(std::move(two));
}

// The kernel refuses a quota below the burst that stands, and a burst beyond the quota.
TEST_P(CellTest, ABurstComesAndGoesWithItsQuota) {
  if (hierarchies_.cpu.home == ControllerHome::kNone)
    GTEST_SKIP() << "no cpu controller on this host";
  auto quota = [&] { return std::stol(ReadCanvasFile("cpu.cfs_quota_us", "cpu.max")); };
  auto burst = [&] { return std::stol(ReadCanvasFile("cpu.cfs_burst_us", "cpu.max.burst")); };
  auto one = Acquire({}, {0, 0, 1.5, 100, 0, 140'000});
  EXPECT_EQ(quota(), 150'000);
  EXPECT_EQ(burst(), 140'000);
  auto two = Acquire({}, {0, 0, 0.5, 100, 0, 140'000});
  EXPECT_EQ(quota(), 50'000);
  EXPECT_EQ(burst(), 50'000);
  ASSERT_TRUE(one->LiftCpuThrottle());
  auto three = Acquire({}, {0, 0, 0.2, 100, 0, 140'000});
  EXPECT_EQ(burst(), 20'000);
  tree_->Release(std::move(one));
  EXPECT_EQ(quota(), 20'000);
  auto four = Acquire({}, {0, 0, 0.2, 100});
  EXPECT_EQ(burst(), 0);
  for (auto* cell : {&two, &three, &four}) tree_->Release(std::move(*cell));
}

// A quota that policy changes while a kill has it lifted, and then takes away.
TEST_P(CellTest, AQuotaThatChangedWhileItWasLiftedCanGo) {
  if (hierarchies_.cpu.home == ControllerHome::kNone)
    GTEST_SKIP() << "no cpu controller on this host";
  auto quota = [&] { return ReadCanvasFile("cpu.cfs_quota_us", "cpu.max"); };
  auto unbounded = [&] { return quota().starts_with("-1") || quota().starts_with("max"); };
  auto dying = Acquire({}, {0, 0, 0.5, 100});
  ASSERT_TRUE(dying->LiftCpuThrottle());
  EXPECT_TRUE(unbounded()) << quota();
  auto next = Acquire({}, {0, 0, 1.5, 100});
  EXPECT_TRUE(unbounded()) << quota();
  tree_->Release(std::move(dying));
  EXPECT_EQ(std::stol(quota()), 150'000);
  auto last = Acquire({}, {0, 0, 0, 100});
  EXPECT_TRUE(unbounded()) << quota();
  tree_->Release(std::move(next));
  tree_->Release(std::move(last));
}

TEST_P(CellTest, CountsCpuMemoryAndProcesses) {
  auto cell = Acquire({64 * kMiB, 4});
  Inmate inmate(*cell, [](auto& ready) {
    Dirty(8 * kMiB);
    BurnCpu(60'000'000);
    ready();
    pause();
  });
  ASSERT_TRUE(inmate.WaitReady());
  auto usage = cell->ReadUsage();
  ASSERT_TRUE(usage);
  EXPECT_GE(usage->cpu_us, 40'000u);  // the kernel's account lags by a timer tick or two
  EXPECT_GE(usage->memory_bytes, 8 * kMiB);
  EXPECT_GE(usage->memory_peak_bytes, usage->memory_bytes);
  EXPECT_EQ(usage->pids, 1u);
  EXPECT_GE(usage->pids_peak, 1u);
  EXPECT_EQ(usage->oom_kills + usage->oom_kills_canvas + usage->oom_kills_host + usage->pids_denied,
            0u);
  auto canvas = tree_->CanvasUsage("demo");
  ASSERT_TRUE(canvas);
  EXPECT_GE(canvas->memory_bytes, 8 * kMiB);
  ASSERT_TRUE(cell->Kill());
  EXPECT_TRUE(WIFSIGNALED(inmate.Reap()));
  ASSERT_TRUE(WaitEmpty(*cell));
  tree_->Release(std::move(cell));
}

// Of all its cells: those that went before the look, and are removed, too.
TEST_P(CellTest, ACanvasHasUsedWhatAllItsProcessesHave) {
  uint64_t taken = 0;
  auto take = [&] {
    auto used = tree_->TakeCanvasCpu();
    ASSERT_TRUE(used);
    for (const CellTree::CanvasCpu& each : *used) {
      EXPECT_EQ(each.canvas, "demo");
      taken += each.cpu_us;
    }
  };
  for (int round = 0; round < 3; ++round) {
    auto cell = Acquire({64 * kMiB, 4});
    auto other = Acquire({64 * kMiB, 4});
    for (Cell* burning : {cell.get(), other.get()}) {
      Inmate inmate(*burning, [](auto& ready) {
        BurnCpu(50'000'000);
        ready();
        for (;;) {
        }
      });
      ASSERT_TRUE(inmate.WaitReady());
      take();
      ASSERT_TRUE(burning->Kill());
      inmate.Reap();
      ASSERT_TRUE(WaitEmpty(*burning));
    }
    tree_->Release(std::move(cell));
    tree_->Release(std::move(other));
  }
  // A dead process is left by its processor after its parent was told, and that is accounted, too.
  uint64_t kernel_us = 0;
  auto agree = [&] {
    take();
    kernel_us = tree_->CanvasUsage("demo")->cpu_us;
    return taken == kernel_us;
  };
  for (int looks = 0; looks < 1'000 && !agree(); ++looks) poll(nullptr, 0, 1);
  EXPECT_EQ(taken, kernel_us) << "nothing is told twice";
  EXPECT_GE(taken, 6 * 40'000u);
}

TEST_P(CellTest, ReusedCellStartsAtZeroWithNewLimits) {
  auto cell = Acquire({64 * kMiB, 4});
  std::string name = cell->name();
  {
    Inmate inmate(*cell, [](auto& ready) {
      Dirty(16 * kMiB);
      BurnCpu(30'000'000);
      ready();
      pause();
    });
    ASSERT_TRUE(inmate.WaitReady());
    ASSERT_TRUE(cell->Freeze());
    ASSERT_TRUE(cell->Kill());
    inmate.Reap();
    ASSERT_TRUE(WaitEmpty(*cell));
  }
  tree_->Release(std::move(cell));
  cell = Acquire({32 * kMiB, 3});
  EXPECT_EQ(cell->name(), name);
  EXPECT_EQ(FileOf(*cell, "memory.limit_in_bytes", "memory.max"), "33554432\n");
  EXPECT_EQ(FileOf(*cell, "pids.max", "pids.max"), "3\n");
  auto usage = cell->ReadUsage();
  ASSERT_TRUE(usage);
  EXPECT_LT(usage->cpu_us, 10'000u);  // the dead one's last moment may be accounted late
  EXPECT_LT(usage->memory_peak_bytes, 8 * kMiB);
  // It was frozen at the kill: a process that enters now must run.
  Inmate next(*cell, [](auto& ready) {
    ready();
    pause();
  });
  EXPECT_TRUE(next.WaitReady());
  ASSERT_TRUE(cell->Kill());
  next.Reap();
  ASSERT_TRUE(WaitEmpty(*cell));
  tree_->Release(std::move(cell));
}

TEST_P(CellTest, KillsGrandchildrenThatSetsid) {
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  auto cell = Acquire({64 * kMiB, 16});
  Inmate inmate(*cell, [](auto& ready) {
    for (int i = 0; i < 8; ++i)
      if (fork() == 0) {
        setsid();
        for (;;) getppid();
      }
    ready();
    pause();
  });
  ASSERT_TRUE(inmate.WaitReady());
  EXPECT_EQ(cell->ReadUsage()->pids, 9u);
  EXPECT_FALSE(cell->Empty().value());
  ASSERT_TRUE(cell->Kill());
  EXPECT_TRUE(WaitEmpty(*cell));
  EXPECT_EQ(WTERMSIG(inmate.Reap()), SIGKILL);
  for (int i = 0; i < 8; ++i) EXPECT_GT(waitpid(-1, nullptr, 0), 0);
  tree_->Release(std::move(cell));
  EXPECT_EQ(tree_->quarantined(), 0u);
}

TEST_P(CellTest, OutOfMemoryAtItsOwnLimitIsCounted) {
  auto cell = Acquire({16 * kMiB, 4});
  Inmate inmate(*cell, [](auto&) { Dirty(64 * kMiB); });
  EXPECT_EQ(WTERMSIG(inmate.Reap()), SIGKILL);
  auto usage = cell->ReadUsage();
  ASSERT_TRUE(usage);
  EXPECT_GE(usage->oom_kills, 1u);
  EXPECT_EQ(usage->oom_kills_canvas + usage->oom_kills_host, 0u);
  EXPECT_GE(usage->memory_peak_bytes, 15 * kMiB);
  ASSERT_TRUE(WaitEmpty(*cell));
  tree_->Release(std::move(cell));
}

TEST_P(CellTest, TellsWhatTheKernelDidAndWhoIsInIt) {
  auto cell = Acquire({64 * kMiB, 2}, {0, 0, 0.1, 100});
  CellEvents before = cell->ReadEvents();
  EXPECT_EQ(before.pids_denied, 0u);
  EXPECT_TRUE(cell->Processes().empty());
  Inmate inmate(*cell, [](auto& ready) {
    if (fork() == 0) pause();
    if (fork() < 0 && errno == EAGAIN) BurnCpu(60'000'000);
    ready();
    pause();
  });
  ASSERT_TRUE(inmate.WaitReady());
  EXPECT_EQ(cell->Processes().size(), 2u);
  CellEvents after = cell->ReadEvents();
  EXPECT_GE(after.pids_denied.value_or(0), 1u);
  ASSERT_EQ(before.canvas_throttled.has_value(), after.canvas_throttled.has_value());
  // A tenth of a processor: 10 ms in each of its periods.
  if (before.canvas_throttled) {
    EXPECT_GT(*after.canvas_throttled, *before.canvas_throttled);
    EXPECT_GT(*after.canvas_throttled_us, *before.canvas_throttled_us);
  }
  if (before.cpu_stalled_us) {
    EXPECT_GE(*after.cpu_stalled_us, *before.cpu_stalled_us);
  }
  ASSERT_TRUE(cell->LiftCpuThrottle());
  ASSERT_TRUE(cell->Kill());
  inmate.Reap();
  ASSERT_TRUE(WaitEmpty(*cell));
  tree_->Release(std::move(cell));
  // They were the last user's.
  cell = Acquire({64 * kMiB, 2}, {0, 0, 0.1, 100});
  EXPECT_EQ(cell->ReadEvents().pids_denied, 0u);
  tree_->Release(std::move(cell));
}

TEST_P(CellTest, OutOfMemoryOfTheCanvasIsNotTheCellsOwn) {
  CanvasLimits canvas{24 * kMiB, 0, 0, 100};
  auto bystander = Acquire({128 * kMiB, 4}, canvas);
  auto cell = Acquire({128 * kMiB, 4}, canvas);
  // A v2 canvas has a brake, which would have the test wait.
  SetCanvasMemory("memory.high", "max");
  Inmate inmate(*cell, [](auto&) { Dirty(64 * kMiB); });
  EXPECT_EQ(WTERMSIG(inmate.Reap()), SIGKILL);
  auto usage = cell->ReadUsage();
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->oom_kills, 0u);
  EXPECT_GE(usage->oom_kills_canvas, 1u);
  EXPECT_EQ(usage->oom_kills_host, 0u);
  EXPECT_EQ(usage->canvas_cells, 2u);
  EXPECT_EQ(cell->ReadUsage()->oom_kills_canvas, usage->oom_kills_canvas) << "asked twice";
  ASSERT_TRUE(WaitEmpty(*cell));
  tree_->Release(std::move(cell));
  tree_->Release(std::move(bystander));
}

// The limit of a group above the canvas stands for the host, which a test cannot run out of memory.
TEST_P(CellTest, OutOfMemoryAboveTheCanvasIsTheHosts) {
  CanvasLimits canvas{24 * kMiB, 0, 0, 100};
  auto first = Acquire({8 * kMiB, 4}, canvas);
  SetCanvasMemory("memory.high", "max");
  {
    // The canvas meets its own limit before, which must not be held against the next.
    auto earlier = Acquire({128 * kMiB, 4}, canvas);
    Inmate inmate(*earlier, [](auto&) { Dirty(64 * kMiB); });
    EXPECT_EQ(WTERMSIG(inmate.Reap()), SIGKILL);
    EXPECT_GE(earlier->ReadUsage()->oom_kills_canvas, 1u);
    ASSERT_TRUE(WaitEmpty(*earlier));
    tree_->Release(std::move(earlier));
  }
  SetTopMemory(16 * kMiB);
  auto cell = Acquire({128 * kMiB, 4}, canvas);
  Inmate inmate(*cell, [](auto&) { Dirty(64 * kMiB); });
  EXPECT_EQ(WTERMSIG(inmate.Reap()), SIGKILL);
  auto usage = cell->ReadUsage();
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->oom_kills + usage->oom_kills_canvas, 0u);
  EXPECT_GE(usage->oom_kills_host, 1u);
  ASSERT_TRUE(WaitEmpty(*cell));
  tree_->Release(std::move(cell));
  tree_->Release(std::move(first));
}

class BrakeTest : public CellTest {};

TEST_P(BrakeTest, ACanvasAtItsBrakeIsSeenInTheEvidence) {
  if (hierarchies_.memory.home != ControllerHome::kUnified)
    GTEST_SKIP() << "only v2 has memory.high";
  auto cell = Acquire({128 * kMiB, 4}, {32 * kMiB, 0, 0, 100});
  EXPECT_FALSE(cell->ReadEvidence()->canvas_braked);
  Inmate inmate(*cell, [](auto& ready) {
    ready();
    Dirty(64 * kMiB);
  });
  ASSERT_TRUE(inmate.WaitReady());
  while (!cell->ReadEvidence()->canvas_braked) poll(nullptr, 0, 1);
  // The kernel counts it a little later.
  std::string events =
      hierarchies_.unified_mount + "/" + TestTop() + "/canvas-demo/memory.events.local";
  while (CounterIn(ReadFileAt(AT_FDCWD, events.c_str()).value_or(""), "high") == 0)
    poll(nullptr, 0, 1);
  ASSERT_TRUE(cell->Kill());
  EXPECT_EQ(WTERMSIG(inmate.Reap()), SIGKILL);
  EXPECT_EQ(cell->ReadUsage()->oom_kills_canvas, 0u);
  ASSERT_TRUE(WaitEmpty(*cell));
  EXPECT_TRUE(cell->ReadEvidence()->canvas_braked) << "a moment ago";
  tree_->Sweep();
  tree_->Sweep();
  EXPECT_FALSE(cell->ReadEvidence()->canvas_braked);
  tree_->Release(std::move(cell));
}

TEST_P(CellTest, RefusedForksAreCounted) {
  auto cell = Acquire({64 * kMiB, 2});
  Inmate inmate(*cell, [](auto& ready) {
    if (fork() == 0) pause();
    pid_t third = fork();
    if (third == 0) pause();
    if (third < 0 && errno == EAGAIN) ready();
    pause();
  });
  ASSERT_TRUE(inmate.WaitReady());
  auto usage = cell->ReadUsage();
  ASSERT_TRUE(usage);
  EXPECT_GE(usage->pids_denied, 1u);
  EXPECT_EQ(usage->pids_peak, 2u);
  ASSERT_TRUE(cell->Kill());
  inmate.Reap();
  ASSERT_TRUE(WaitEmpty(*cell));
  tree_->Release(std::move(cell));
}

TEST_P(CellTest, ThrottledVictimDiesWithoutWaitingForItsPeriod) {
  if (hierarchies_.cpu.home == ControllerHome::kNone)
    GTEST_SKIP() << "no cpu controller on this host";
  auto quota = [&] { return ReadCanvasFile("cpu.cfs_quota_us", "cpu.max"); };
  auto cell = Acquire({64 * kMiB, 4}, {0, 0, 0.05, 100});
  Inmate inmate(*cell, [](auto& ready) {
    ready();
    for (;;) getppid();
  });
  ASSERT_TRUE(inmate.WaitReady());
  std::string before = quota();
  while (ReadCanvasFile("cpu.stat", "cpu.stat").find("nr_throttled 0") != std::string::npos)
    poll(nullptr, 0, 1);
  ASSERT_TRUE(cell->LiftCpuThrottle());
  EXPECT_TRUE(quota().starts_with("-1") || quota().starts_with("max")) << quota();
  ASSERT_TRUE(cell->Kill());
  inmate.Reap();
  ASSERT_TRUE(WaitEmpty(*cell));
  tree_->Release(std::move(cell));
  EXPECT_EQ(quota(), before);
}

TEST_P(CellTest, ReleasedWithAProcessInsideIsQuarantinedUntilItIsGone) {
  auto cell = Acquire({64 * kMiB, 4});
  std::string name = cell->name();
  Inmate inmate(*cell, [](auto& ready) {
    ready();
    pause();
  });
  ASSERT_TRUE(inmate.WaitReady());
  std::vector<std::string> freed;
  tree_->OnFreed([&](const std::string& cell) { freed.push_back(cell); });
  tree_->Release(std::move(cell));
  EXPECT_EQ(tree_->quarantined(), 1u);
  EXPECT_TRUE(freed.empty());
  EXPECT_EQ(WTERMSIG(inmate.Reap()), SIGKILL);
  while (tree_->quarantined() > 0) tree_->Sweep();
  EXPECT_EQ(freed, std::vector<std::string>{name});
  tree_->OnFreed(nullptr);
  EXPECT_FALSE(Exists("/" + name));
}

TEST_P(CellTest, DroppedCellIsKilledAndSweptAway) {
  auto cell = Acquire({64 * kMiB, 4});
  std::string name = cell->name();
  Inmate inmate(*cell, [](auto& ready) {
    ready();
    pause();
  });
  ASSERT_TRUE(inmate.WaitReady());
  cell.reset();
  EXPECT_EQ(WTERMSIG(inmate.Reap()), SIGKILL);
  while (Exists("/" + name)) tree_->Sweep();
}

TEST_P(CellTest, SweepsKeepASmallReserveAndThenNothing) {
  std::vector<std::unique_ptr<Cell>> cells;
  constexpr size_t kCells = bounds::kCellIdlePerCanvas + 4;
  for (size_t i = 0; i < kCells; ++i) cells.push_back(Acquire({16 * kMiB, 4}));
  for (auto& cell : cells) tree_->Release(std::move(cell));
  auto left = [&] {
    size_t count = 0;
    for (size_t i = 1; i <= kCells; ++i) count += Exists("/canvas-demo/cell-" + std::to_string(i));
    return count;
  };
  tree_->Sweep();
  EXPECT_EQ(left(), bounds::kCellIdlePerCanvas);
  for (unsigned i = 0; i < 3 * bounds::kCellIdleSweeps; ++i) tree_->Sweep();
  EXPECT_EQ(left(), 0u);
  EXPECT_FALSE(Exists("/canvas-demo"));
  EXPECT_EQ(tree_->CanvasUsage("demo").error().code, ErrorCode::kNotFound);
  // And it comes back when it is needed.
  auto again = Acquire({16 * kMiB, 4});
  ASSERT_NE(again, nullptr);
  tree_->Release(std::move(again));
}

TEST_P(CellTest, RefusesACanvasNameThatIsAPath) {
  EXPECT_EQ(tree_->Acquire("../x", {}, {}, 0).error().code, ErrorCode::kInvalid);
}

INSTANTIATE_TEST_SUITE_P(Host, BrakeTest, testing::Values(Shape::kAsItIs), ShapeName);
INSTANTIATE_TEST_SUITE_P(Host, CellTest, testing::Values(Shape::kAsItIs, Shape::kV1Alone),
                         ShapeName);

}  // namespace
}  // namespace nightjar
