#include "supervisor/loop/signal_watch.h"

#include <uv.h>

#include "ipc/core/check.h"
#include "supervisor/loop/loop.h"

namespace nightjar {

// Outlives its SignalWatch until libuv has closed the handle.
struct SignalWatch::Impl {
  uv_signal_t handle;
  std::function<void()> callback;
};

SignalWatch::SignalWatch(Loop& loop, int signal, std::function<void()> callback)
    : impl_(new Impl{{}, std::move(callback)}) {
  CHECK(uv_signal_init(loop.raw(), &impl_->handle) == 0);
  impl_->handle.data = impl_;
  int rc = uv_signal_start(
      &impl_->handle,
      [](uv_signal_t* handle, int) { static_cast<Impl*>(handle->data)->callback(); }, signal);
  CHECK(rc == 0);
}

SignalWatch::~SignalWatch() {
  uv_close(reinterpret_cast<uv_handle_t*>(&impl_->handle),
           [](uv_handle_t* handle) { delete static_cast<Impl*>(handle->data); });
}

}  // namespace nightjar
