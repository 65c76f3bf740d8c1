// The armed timers of one loop in the order of their deadlines, and the timerfd that stands for the
// earliest of them.
//
// Only the loop and its timers know it. Loop thread only.
#pragma once

#include <uv.h>

#include <map>

#include "ipc/core/fd.h"
#include "supervisor/loop/timer.h"

namespace nightjar {

class TimerQueue {
 public:
  using Entries = std::multimap<MonoTime, Timer::Impl*>;  // equal keys stay in the order of arming

  TimerQueue() = default;
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  Status Open(uv_loop_t* loop);
  void Close();  // the loop must turn once more

  void Add(Timer::Impl* timer, MonoTime when);
  void Remove(Timer::Impl* timer);
  void Created() { ++alive_; }
  void Destroy(Timer::Impl* timer);
  size_t alive() const { return alive_; }

 private:
  void OnDue();
  void Fire(Entries::iterator first, MonoTime now);
  void Arm();

  Fd timerfd_;
  uv_poll_t poll_;
  Entries entries_;
  MonoTime armed_for_ = MonoTime::max();  // what the kernel was told
  MonoTime turn_;                         // the "now" of the turn that is being told, while firing_
  Timer::Impl* firing_ = nullptr;
  bool in_turn_ = false;
  size_t alive_ = 0;
};

// A timer lives here rather than in Timer itself: its callback may destroy the Timer, and must not
// be destroyed while it runs.
struct Timer::Impl {
  TimerQueue& queue;
  std::function<void()> callback;
  Nanos period{0};
  bool armed = false;
  bool dead = false;                    // its Timer is gone while its callback runs
  TimerQueue::Entries::iterator place;  // while armed
  TimerQueue::Entries::node_type node;  // while not, kept so that arming again does not allocate
};

}  // namespace nightjar
