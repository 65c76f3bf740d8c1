#include "supervisor/loop/deadlines.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include "ipc/core/check.h"

namespace nightjar {

Result<std::unique_ptr<Deadlines>> Deadlines::Create(uv_loop_t* loop) {
  std::unique_ptr<Deadlines> deadlines(new Deadlines());
  deadlines->timer_ = Fd(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!deadlines->timer_.valid()) return FailErrno("timerfd_create");
  auto* poll = new uv_poll_t;
  if (int failed = uv_poll_init(loop, poll, deadlines->timer_.get()); failed != 0) {
    delete poll;
    return FailErrno("uv_poll_init", -failed);
  }
  poll->data = deadlines.get();
  deadlines->poll_ = poll;
  CHECK(uv_poll_start(poll, UV_READABLE, OnPoll) == 0);
  return deadlines;
}

Deadlines::~Deadlines() {
  CHECK(order_.empty());  // a Timer must not outlive its loop
  if (poll_ == nullptr) return;
  uv_poll_stop(poll_);
  uv_close(reinterpret_cast<uv_handle_t*>(poll_),
           [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
}

void Deadlines::Set(Deadline* deadline, MonoTime when) {
  Clear(deadline);
  deadline->when = when;
  deadline->set = true;
  order_.insert(deadline);
  Arm();
}

void Deadlines::Clear(Deadline* deadline) {
  if (!deadline->set) return;
  order_.erase(deadline);
  deadline->set = false;
  // The timerfd is left as it is: one wake too many costs less than a system call for each timer that is taken back, and most are.
}

void Deadlines::Arm() {
  if (order_.empty()) return;
  MonoTime first = (*order_.begin())->when;
  if (armed_for_ != MonoTime{} && armed_for_ <= first) return;
  armed_for_ = first;
  auto since_boot = std::max(first.time_since_epoch(), Nanos(1));  // zero would disarm
  itimerspec spec{};
  spec.it_value.tv_sec = static_cast<time_t>(since_boot.count() / 1'000'000'000);
  spec.it_value.tv_nsec = since_boot.count() % 1'000'000'000;
  CHECK(timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr) == 0);
}

void Deadlines::OnPoll(uv_poll_t* poll, int, int) {
  static_cast<Deadlines*>(poll->data)->OnExpired();
}

void Deadlines::OnExpired() {
  uint64_t expirations;
  ssize_t ignored = read(timer_.get(), &expirations, sizeof expirations);
  (void)ignored;
  armed_for_ = {};
  MonoTime now = std::chrono::steady_clock::now();
  while (!order_.empty() && (*order_.begin())->when <= now) {
    Deadline* due = *order_.begin();
    order_.erase(order_.begin());
    due->set = false;
    // A copy: the callback may destroy the timer that holds it, or set it again.
    auto callback = due->callback;
    callback();
  }
  Arm();
}

}  // namespace nightjar
