#include "worker/trace/trace_clock.h"

#include <fcntl.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "ipc/core/fd.h"

namespace nightjar {
namespace {

constexpr uint64_t kOne = uint64_t{1} << 32;

struct Scale {
  bool counter = false;
  uint64_t nanos_per_tick = kOne;
};
Scale g_scale;  // written by Calibrate() only, before the process forks or has threads

#if defined(__x86_64__)
// CPUID says whether the counter runs evenly. Whether the processors' counters agree, the kernel
// knows: when they do not, it lists no clock that is built on them. Under a hypervisor it lists the
// paravirtual ones, which read the same counter.
bool CounterIsTrusted() {
  unsigned eax, ebx, ecx, edx;
  constexpr unsigned kInvariantTsc = 1u << 8;
  if (!__get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) || !(edx & kInvariantTsc)) return false;
  auto listed =
      ReadFileAt(AT_FDCWD, "/sys/devices/system/clocksource/clocksource0/available_clocksource");
  if (!listed) return false;
  for (const char* clock : {"tsc", "kvm-clock"})
    if (listed->find(clock) != std::string::npos) return true;
  return false;
}

uint64_t MonotonicNanos() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

struct Reading {
  uint64_t nanos;
  uint64_t ticks;
};

// Both clocks at one moment: of a few tries, the one that was interrupted least.
Reading ReadBoth() {
  Reading best{};
  uint64_t best_width = UINT64_MAX;
  for (int i = 0; i < 16; ++i) {
    uint64_t before = __rdtsc();
    uint64_t nanos = MonotonicNanos();
    uint64_t after = __rdtsc();
    if (after - before >= best_width) continue;
    best_width = after - before;
    best = {nanos, before + (after - before) / 2};
  }
  return best;
}
#endif

}  // namespace

TraceClock::TraceClock() : counter_(g_scale.counter), nanos_per_tick_(g_scale.nanos_per_tick) {}

void TraceClock::Calibrate() {
#if defined(__x86_64__)
  if (!CounterIsTrusted()) return;
  // Reading both clocks is uncertain by some 50 ns, so 4 ms give about 25 parts in a million.
  constexpr uint64_t kSpan = 4'000'000;
  Reading first = ReadBoth();
  while (MonotonicNanos() - first.nanos < kSpan) {
  }
  Reading last = ReadBoth();
  if (last.ticks <= first.ticks) return;
  auto nanos = static_cast<unsigned __int128>(last.nanos - first.nanos);
  g_scale = {true, static_cast<uint64_t>(nanos * kOne / (last.ticks - first.ticks))};
#endif
}

}  // namespace nightjar
