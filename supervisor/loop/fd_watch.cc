#include <uv.h>

#include "ipc/core/check.h"
#include "supervisor/loop/loop.h"

namespace nightjar {

struct FdWatch::Impl {
  uv_poll_t poll{};
  std::function<void(unsigned)> callback;
  bool gone = false;

  static void OnPoll(uv_poll_t* poll, int status, int events) {
    auto* impl = static_cast<Impl*>(poll->data);
    unsigned seen = 0;
    if (events & UV_READABLE) seen |= kReadable;
    if (events & UV_WRITABLE) seen |= kWritable;
    if (events & UV_PRIORITIZED) seen |= kPriority;
    if (events & UV_DISCONNECT) seen |= kHangup;
    // An error is told as "readable": the read that follows says what it is.
    if (status != 0) seen |= kReadable | kHangup;
    if (impl->gone) return;
    auto callback = impl->callback;  // a copy: it may destroy the watch
    callback(seen);
  }
};

FdWatch::FdWatch(Loop& loop, int fd, std::function<void(unsigned events)> callback)
    : impl_(new Impl) {
  impl_->callback = std::move(callback);
  // Fails only for a descriptor that cannot be polled or is watched already: a bug of the caller.
  CHECK(uv_poll_init(loop.raw(), &impl_->poll, fd) == 0);
  impl_->poll.data = impl_;
}

FdWatch::~FdWatch() {
  impl_->gone = true;
  uv_poll_stop(&impl_->poll);
  uv_close(reinterpret_cast<uv_handle_t*>(&impl_->poll), [](uv_handle_t* handle) {
    delete static_cast<Impl*>(handle->data);
  });
}

void FdWatch::Start(unsigned events) {
  int wanted = 0;
  if (events & kReadable) wanted |= UV_READABLE;
  if (events & kWritable) wanted |= UV_WRITABLE;
  if (events & kPriority) wanted |= UV_PRIORITIZED;
  if (events & kHangup) wanted |= UV_DISCONNECT;
  CHECK(uv_poll_start(&impl_->poll, wanted, Impl::OnPoll) == 0);
}

void FdWatch::Stop() { uv_poll_stop(&impl_->poll); }

}  // namespace nightjar
