#include "supervisor/loop/fd_watch.h"

#include <uv.h>

#include "ipc/core/check.h"
#include "supervisor/loop/loop.h"

namespace nightjar {

// uv_close is asynchronous, so this outlives its FdWatch; the callback, which may be running, dies
// with it.
struct FdWatch::Impl {
  static void OnPoll(uv_poll_t* poll, int status, int ready);
  void Apply();

  uv_poll_t poll;
  std::function<void(unsigned)> callback;
  unsigned events = 0;
};

static_assert(FdWatch::kReadable == static_cast<int>(UV_READABLE));
static_assert(FdWatch::kWritable == static_cast<int>(UV_WRITABLE));
static_assert(FdWatch::kPriority == static_cast<int>(UV_PRIORITIZED));
static_assert(FdWatch::kHangup == static_cast<int>(UV_DISCONNECT));
void FdWatch::Impl::OnPoll(uv_poll_t* poll, int status, int ready) {
  Impl* self = static_cast<Impl*>(poll->data);
  if (status >= 0) return self->callback(static_cast<unsigned>(ready));
  // libuv stops a handle whose descriptor has an error pending. The watch stays level-triggered: it
  // tells again until its owner has read the error or is gone.
  unsigned events = self->events;
  self->Apply();
  self->callback(events | kHangup);
}

void FdWatch::Impl::Apply() {
  CHECK(uv_poll_start(&poll, static_cast<int>(events), &Impl::OnPoll) == 0);
}

FdWatch::FdWatch(Loop& loop, int fd, std::function<void(unsigned events)> callback)
    : impl_(new Impl{{}, std::move(callback)}) {
  CHECK(uv_poll_init(loop.raw(), &impl_->poll, fd) == 0);
  impl_->poll.data = impl_;
}

FdWatch::~FdWatch() {
  // Stops it at once; only the memory is given back later.
  uv_close(reinterpret_cast<uv_handle_t*>(&impl_->poll),
           [](uv_handle_t* handle) { delete static_cast<Impl*>(handle->data); });
}

void FdWatch::Start(unsigned events) {
  if (events == impl_->events) return;
  impl_->events = events;
  impl_->Apply();
}

void FdWatch::Stop() {
  Start(0);
}

}  // namespace nightjar
