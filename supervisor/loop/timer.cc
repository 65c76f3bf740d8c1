#include "supervisor/loop/deadlines.h"
#include "supervisor/loop/loop.h"
#include "supervisor/loop/loop_impl.h"

namespace nightjar {

struct Timer::Impl {
  Deadlines& deadlines;
  Deadline deadline;
};

Timer::Timer(Loop& loop, std::function<void()> callback)
    : impl_(new Impl{*loop.impl_->deadlines, {{}, false, std::move(callback)}}) {}

Timer::~Timer() {
  Stop();
  delete impl_;
}

void Timer::StartAt(MonoTime when) { impl_->deadlines.Set(&impl_->deadline, when); }

void Timer::StartAfter(Nanos delay) { StartAt(std::chrono::steady_clock::now() + delay); }

void Timer::Stop() { impl_->deadlines.Clear(&impl_->deadline); }

bool Timer::armed() const { return impl_->deadline.set; }

}  // namespace nightjar
