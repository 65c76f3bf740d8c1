#include "supervisor/loop/loop.h"

#include "ipc/core/check.h"
#include "supervisor/loop/loop_impl.h"

namespace nightjar {

Status Loop::Impl::Open() {
  if (int rc = uv_loop_init(&loop); rc != 0) return FailErrno("creating an event loop", -rc);
  loop.data = this;
  opened = true;
  NJ_TRY(timers.Open(&loop));
  int rc = uv_async_init(&loop, &wake_up, [](uv_async_t* async) {
    static_cast<Impl*>(async->loop->data)->RunPosted();
  });
  if (rc != 0) return FailErrno("creating an event loop's wake-up", -rc);
  return {};
}

void Loop::Impl::RunPosted() {
  std::vector<std::function<void()>> tasks;
  {
    std::lock_guard lock(mutex);
    tasks.swap(posted);
  }
  for (auto& task : tasks) {
    task();
    task =
        nullptr;  // what it holds dies before the next one runs, as if each had a turn of its own
  }
}

Loop::Loop() : impl_(std::make_unique<Impl>()) {}

Result<std::unique_ptr<Loop>> Loop::Create() {
  std::unique_ptr<Loop> loop(new Loop());
  NJ_TRY(loop->impl_->Open());
  return loop;
}

Loop::~Loop() {
  if (!impl_->opened) return;
  impl_->posted.clear();
  CHECK(impl_->timers.alive() == 0);
  auto close = [](uv_handle_t* handle, void* own) {
    // Watches that closed in the last turn are on their way; anything else still open was leaked.
    CHECK(handle->data == own || handle->type == UV_ASYNC || uv_is_closing(handle) != 0);
    if (uv_is_closing(handle) == 0) uv_close(handle, nullptr);
  };
  uv_walk(&impl_->loop, close, &impl_->timers);
  // More than once where a Stop() was never seen by a Run().
  while (uv_run(&impl_->loop, UV_RUN_DEFAULT) != 0) continue;
  CHECK(uv_loop_close(&impl_->loop) == 0);
}

void Loop::Run() {
  uv_run(&impl_->loop, UV_RUN_DEFAULT);
}

void Loop::Stop() {
  uv_stop(&impl_->loop);
}

void Loop::Post(std::function<void()> task) {
  bool first;
  {
    std::lock_guard lock(impl_->mutex);
    first = impl_->posted.empty();
    impl_->posted.push_back(std::move(task));
  }
  if (first) uv_async_send(&impl_->wake_up);
}

uv_loop_s* Loop::raw() const {
  return &impl_->loop;
}

}  // namespace nightjar
