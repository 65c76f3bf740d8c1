#include "supervisor/loop/timer.h"

#include "ipc/core/check.h"
#include "supervisor/loop/loop_impl.h"

namespace nightjar {

Timer::Timer(Loop& loop, std::function<void()> callback)
    : impl_(new Impl{Loop::Impl::Of(loop).timers, std::move(callback), {}, false, false, {}, {}}) {
  impl_->queue.Created();
}

Timer::~Timer() {
  impl_->queue.Destroy(impl_);
}

void Timer::StartAt(MonoTime when) {
  impl_->period = Nanos(0);
  impl_->queue.Add(impl_, when);
}

void Timer::StartAfter(Nanos delay) {
  MonoTime now = std::chrono::steady_clock::now();
  // A delay beyond the clock's range means never, which its last moment is.
  StartAt(delay > MonoTime::max() - now ? MonoTime::max() : now + delay);
}

void Timer::StartEvery(Nanos period) {
  CHECK(period > Nanos(0));
  StartAfter(period);
  impl_->period = period;
}

void Timer::Stop() {
  impl_->period = Nanos(0);
  impl_->queue.Remove(impl_);
}

bool Timer::armed() const {
  return impl_->armed;
}

}  // namespace nightjar
