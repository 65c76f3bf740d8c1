#include <uv.h>

#include "ipc/core/check.h"
#include "supervisor/loop/loop.h"

namespace nightjar {

struct SignalWatch::Impl {
  uv_signal_t signal{};
  std::function<void()> callback;
};

SignalWatch::SignalWatch(Loop& loop, int signal, std::function<void()> callback)
    : impl_(new Impl) {
  impl_->callback = std::move(callback);
  CHECK(uv_signal_init(loop.raw(), &impl_->signal) == 0);
  impl_->signal.data = impl_;
  auto deliver = [](uv_signal_t* handle, int) {
    auto callback = static_cast<Impl*>(handle->data)->callback;  // a copy: it may destroy the watch
    callback();
  };
  CHECK(uv_signal_start(&impl_->signal, deliver, signal) == 0);
}

SignalWatch::~SignalWatch() {
  uv_signal_stop(&impl_->signal);
  uv_close(reinterpret_cast<uv_handle_t*>(&impl_->signal), [](uv_handle_t* handle) {
    delete static_cast<Impl*>(handle->data);
  });
}

}  // namespace nightjar
