// The clock of trace events: nanoseconds since a run's start, as cheaply as this machine allows.
//
// Where the processor's time-stamp counter is invariant and the kernel trusts it, that is what is
// read, at about a third of the price of clock_gettime; otherwise CLOCK_MONOTONIC. It is good for
// differences inside one process only. Calibrate() is called once, in the zygote before it forks,
// takes some milliseconds and reads /sys; without it the counter is not used. Single thread.
#pragma once

#include <cstdint>
#include <ctime>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace nightjar {

class TraceClock {
 public:
  TraceClock();  // as calibrated by then

  static void Calibrate();

  uint64_t Ticks() const {
#if defined(__x86_64__)
    if (counter_) return __rdtsc();
#endif
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
  }

  // Never negative: a counter that is a little behind on another processor counts as no time.
  uint64_t NanosBetween(uint64_t from, uint64_t to) const {
    if (to <= from) return 0;
    return static_cast<uint64_t>(static_cast<unsigned __int128>(to - from) * nanos_per_tick_ >> 32);
  }

  bool uses_counter() const {
    return counter_;
  }

 private:
  bool counter_;
  uint64_t nanos_per_tick_;  // 32.32 fixed point
};

}  // namespace nightjar
