// What does the kernel's side of a run cost? Run as root: bench-cells
//
// Each operation is timed on its own, since its tail matters more than its mean; the columns
// p50_us, p99_us and max_us are of single calls. Limits are those of a default policy (64 MiB, 8
// processes). `fresh` never reuses: it takes cells faster than it gives back, as in a burst;
// `reused` takes and gives back one.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "supervisor/cell/cell.h"

namespace nightjar {
namespace {

constexpr CanvasLimits kCanvas{512 << 20, 256, 0, 100};
constexpr CellLimits kLimits{64 << 20, 8};

CellTree* tree = nullptr;

// The times of single calls, in microseconds.
class Lap {
 public:
  template <typename Call>
  auto Time(Call call) {
    auto from = std::chrono::steady_clock::now();
    auto result = call();
    times_.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - from).count());
    return result;
  }
  void Report(benchmark::State& state) {
    if (times_.empty()) return;
    std::sort(times_.begin(), times_.end());
    state.counters["p50_us"] = times_[times_.size() / 2];
    state.counters["p99_us"] = times_[times_.size() * 99 / 100];
    state.counters["max_us"] = times_.back();
  }

 private:
  std::vector<double> times_;
};

std::unique_ptr<Cell> Take() {
  auto cell = tree->Acquire("bench", kCanvas, kLimits, 0);
  if (!cell) {
    fprintf(stderr, "%s\n", cell.error().ToString().c_str());
    abort();
  }
  return std::move(*cell);
}

pid_t SpinIn(const Cell& cell) {
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) != 0) abort();
  pid_t child = fork();
  if (child == 0) {
    for (const CellDoor& door : cell.doors()) {
      int fd = openat(door.dir_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
      if (write(fd, "0", 1) != 1) _exit(1);
      close(fd);
    }
    (void)!write(ready[1], "r", 1);
    for (;;) getppid();
  }
  close(ready[1]);
  char byte;
  if (read(ready[0], &byte, 1) != 1) abort();
  close(ready[0]);
  return child;
}

void AcquireFresh(benchmark::State& state) {
  Lap lap;
  std::vector<std::unique_ptr<Cell>> held;
  for (auto _ : state) held.push_back(lap.Time(Take));
  lap.Report(state);
  for (auto& cell : held) tree->Release(std::move(cell));
  for (size_t i = 0; i < held.size(); ++i) tree->Sweep();
}
BENCHMARK(AcquireFresh)->Iterations(500)->UseRealTime();

void AcquireReused(benchmark::State& state) {
  Lap lap;
  tree->Release(Take());
  for (auto _ : state) tree->Release(lap.Time(Take));
  lap.Report(state);
}
BENCHMARK(AcquireReused)->Iterations(5000)->UseRealTime();

void Release(benchmark::State& state) {
  Lap lap;
  for (auto _ : state) {
    auto cell = Take();
    lap.Time([&] { return tree->Release(std::move(cell)), 0; });
  }
  lap.Report(state);
}
BENCHMARK(Release)->Iterations(5000)->UseRealTime();

void ReadUsage(benchmark::State& state) {
  Lap lap;
  auto cell = Take();
  pid_t child = SpinIn(*cell);
  for (auto _ : state) benchmark::DoNotOptimize(lap.Time([&] { return cell->ReadUsage(); }));
  lap.Report(state);
  (void)cell->Kill();
  waitpid(child, nullptr, 0);
  tree->Release(std::move(cell));
}
BENCHMARK(ReadUsage)->Iterations(20000)->UseRealTime();

// From the decision to the kernel's word that nothing is left: quota, freeze where asked,
// cgroup.kill, cgroup.events.
void KillUntilEmpty(benchmark::State& state) {
  Lap lap;
  for (auto _ : state) {
    auto cell = Take();
    pid_t child = SpinIn(*cell);
    lap.Time([&] {
      (void)cell->LiftCpuThrottle();
      if (state.range(0) != 0) (void)cell->Freeze();
      (void)cell->Kill();
      while (!*cell->Empty()) {
        pollfd watched{cell->events_fd(), POLLPRI, 0};
        poll(&watched, 1, 1000);
      }
      return 0;
    });
    waitpid(child, nullptr, 0);
    tree->Release(std::move(cell));
  }
  lap.Report(state);
}
BENCHMARK(KillUntilEmpty)->ArgName("frozen")->Arg(0)->Arg(1)->Iterations(500)->UseRealTime();

}  // namespace
}  // namespace nightjar

int main(int argc, char** argv) {
  if (geteuid() != 0) return fprintf(stderr, "bench-cells needs root to make cgroups\n"), 1;
  nightjar::CellTree::Options options;
  options.top = "nightjar-bench-" + std::to_string(getpid());
  auto made = nightjar::CellTree::Create(options);
  if (!made) return fprintf(stderr, "%s\n", made.error().ToString().c_str()), 1;
  nightjar::tree = made->get();
  printf("%s\n", nightjar::tree->description().c_str());
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  nightjar::tree->RemoveAll();
}
