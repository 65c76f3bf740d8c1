#include "supervisor/loop/timer_queue.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>

#include "ipc/core/check.h"

namespace nightjar {

Status TimerQueue::Open(uv_loop_t* loop) {
  timerfd_ = Fd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!timerfd_.valid()) return FailErrno("timerfd_create");
  if (int rc = uv_poll_init(loop, &poll_, timerfd_.get()); rc != 0)
    return FailErrno("watching a timerfd", -rc);
  poll_.data = this;
  int rc = uv_poll_start(&poll_, UV_READABLE, [](uv_poll_t* poll, int, int) {
    static_cast<TimerQueue*>(poll->data)->OnDue();
  });
  CHECK(rc == 0);
  return {};
}

void TimerQueue::Close() {
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), nullptr);
}

void TimerQueue::Add(Timer::Impl* timer, MonoTime when) {
  Remove(timer);
  // What is armed during a turn is due in a later one: a timer that always asks for "now" must not
  // keep the loop from everything else.
  if (in_turn_) when = std::max(when, turn_ + Nanos(1));
  if (timer->node.empty()) {
    timer->place = entries_.emplace(when, timer);
  } else {
    timer->node.key() = when;
    timer->place = entries_.insert(std::move(timer->node));
  }
  timer->armed = true;
  if (!in_turn_) Arm();
}

void TimerQueue::Remove(Timer::Impl* timer) {
  if (!timer->armed) return;
  timer->node = entries_.extract(timer->place);
  timer->armed = false;
  // The timerfd stays armed: one needless wake-up later is cheaper than a system call now.
}

void TimerQueue::Destroy(Timer::Impl* timer) {
  Remove(timer);
  --alive_;
  if (timer == firing_) {
    timer->dead = true;
  } else {
    delete timer;
  }
}

void TimerQueue::OnDue() {
  uint64_t expirations;
  ssize_t got = read(timerfd_.get(), &expirations, sizeof expirations);
  (void)got;  // EAGAIN when it was armed anew in between; the deadlines below are what counts
  armed_for_ = MonoTime::max();
  in_turn_ = true;
  turn_ = std::chrono::steady_clock::now();
  while (!entries_.empty() && entries_.begin()->first <= turn_) Fire(entries_.begin(), turn_);
  in_turn_ = false;
  Arm();
}

void TimerQueue::Fire(Entries::iterator first, MonoTime now) {
  Timer::Impl* timer = first->second;
  MonoTime deadline = first->first;
  Remove(timer);
  if (timer->period > Nanos(0)) {
    // The next whole period that is still ahead.
    auto missed = (now - deadline) / timer->period;
    Add(timer, deadline + timer->period * (missed + 1));
  }
  firing_ = timer;
  timer->callback();
  firing_ = nullptr;
  if (timer->dead) delete timer;
}

void TimerQueue::Arm() {
  if (entries_.empty() || entries_.begin()->first >= armed_for_) return;
  armed_for_ = entries_.begin()->first;
  // Zero would disarm it.
  int64_t ns = std::max<int64_t>(armed_for_.time_since_epoch().count(), 1);
  itimerspec spec{};
  spec.it_value = {ns / 1'000'000'000, ns % 1'000'000'000};
  CHECK(timerfd_settime(timerfd_.get(), TFD_TIMER_ABSTIME, &spec, nullptr) == 0);
}

}  // namespace nightjar
