#include "supervisor/loop/loop.h"

#include <uv.h>

#include <mutex>
#include <vector>

#include "ipc/core/check.h"
#include "supervisor/loop/deadlines.h"
#include "supervisor/loop/loop_impl.h"

namespace nightjar {
namespace {

void RunPosted(uv_async_t* handle) {
  auto* loop = static_cast<Loop::Impl*>(handle->data);
  std::vector<std::function<void()>> tasks;
  {
    std::lock_guard lock(loop->mutex);
    tasks.swap(loop->posted);
  }
  // What is posted meanwhile is for a later turn.
  for (auto& task : tasks) task();
}

}  // namespace

Loop::Loop() : impl_(std::make_unique<Impl>()) {}

Result<std::unique_ptr<Loop>> Loop::Create() {
  std::unique_ptr<Loop> loop(new Loop());
  Impl& impl = *loop->impl_;
  if (int failed = uv_loop_init(&impl.uv); failed != 0) return FailErrno("uv_loop_init", -failed);
  impl.initialized = true;
  if (int failed = uv_async_init(&impl.uv, &impl.wake, RunPosted); failed != 0)
    return FailErrno("uv_async_init", -failed);
  impl.wake.data = &impl;
  impl.wake_ready = true;
  NJ_ASSIGN(impl.deadlines, Deadlines::Create(&impl.uv));
  return loop;
}

Loop::~Loop() {
  if (!impl_->initialized) return;
  impl_->deadlines.reset();
  if (impl_->wake_ready) uv_close(reinterpret_cast<uv_handle_t*>(&impl_->wake), nullptr);
  // Runs the close steps that handles asked for; a handle that is still open afterwards is a bug of its owner.
  uv_run(&impl_->uv, UV_RUN_NOWAIT);
  CHECK(uv_loop_close(&impl_->uv) == 0);
}

void Loop::Run() { uv_run(&impl_->uv, UV_RUN_DEFAULT); }

void Loop::Stop() { uv_stop(&impl_->uv); }

void Loop::Post(std::function<void()> task) {
  bool first;
  {
    std::lock_guard lock(impl_->mutex);
    first = impl_->posted.empty();
    impl_->posted.push_back(std::move(task));
  }
  if (first) uv_async_send(&impl_->wake);
}

uv_loop_s* Loop::raw() const { return &impl_->uv; }

}  // namespace nightjar
