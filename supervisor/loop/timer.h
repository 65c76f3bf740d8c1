// Calls back once, or again and again, with microsecond precision.
//
// All timers of a loop share one timerfd on CLOCK_MONOTONIC, so that a deadline is not rounded to
// the loop's milliseconds and arming one costs no system call unless it becomes the earliest.
// Timers that are due at the same time fire in the order they were armed. Loop thread only.
#pragma once

#include <functional>

#include "ipc/core/clock.h"

namespace nightjar {

class Loop;

class Timer {
 public:
  Timer(Loop& loop, std::function<void()> callback);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Each of these replaces what the timer was armed for before.
  void StartAt(MonoTime when);  // absolute; in the past means in the next turn
  void StartAfter(Nanos delay);
  // First after one period, without drift; periods missed by a busy loop are left out. `period`
  // is above zero.
  void StartEvery(Nanos period);
  void Stop();
  bool armed() const;

 private:
  friend class TimerQueue;
  struct Impl;
  Impl* impl_;
};

}  // namespace nightjar
