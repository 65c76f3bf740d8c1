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
  rc = uv_prepare_init(&loop, &turn_over);
  CHECK(rc == 0);
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

void Loop::Impl::TellTurn() {
  uint64_t now = uv_hrtime();
  uint64_t waited = uv_metrics_idle_time(&loop);
  // The first has no beginning.
  if (turned_ns != 0) turned(Nanos(static_cast<int64_t>(now - turned_ns - (waited - waited_ns))));
  turned_ns = now;
  waited_ns = waited;
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
    CHECK(handle->data == own || handle->type == UV_ASYNC || handle->type == UV_PREPARE ||
          uv_is_closing(handle) != 0);
    if (uv_is_closing(handle) == 0) uv_close(handle, nullptr);
  };
  uv_walk(&impl_->loop, close, &impl_->timers);
  // More than once where a Stop() was never seen by a Run().
  while (uv_run(&impl_->loop, UV_RUN_DEFAULT) != 0) continue;
  CHECK(uv_loop_close(&impl_->loop) == 0);
}

void Loop::OnTurn(std::function<void(Nanos)> turned) {
  CHECK(!impl_->turned);
  impl_->turned = std::move(turned);
  CHECK(uv_loop_configure(&impl_->loop, UV_METRICS_IDLE_TIME) == 0);
  uv_prepare_start(&impl_->turn_over,
                   [](uv_prepare_t* turn) { static_cast<Impl*>(turn->loop->data)->TellTurn(); });
  uv_unref(reinterpret_cast<uv_handle_t*>(&impl_->turn_over));
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
