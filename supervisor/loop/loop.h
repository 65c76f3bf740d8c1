// The one event loop of a program: libuv behind a few small classes, and the only folder that
// includes uv.h.
//
// One thread owns a loop and everything on it; others may only Post(). Callbacks never throw, never
// block, and may destroy any object of this folder but the loop, also the one that called them.
// After a handle's destructor returned, its callback is not called again.
#pragma once

#include <functional>
#include <memory>

#include "ipc/core/result.h"
#include "supervisor/loop/fd_watch.h"
#include "supervisor/loop/signal_watch.h"
#include "supervisor/loop/timer.h"

struct uv_loop_s;

namespace nightjar {

class Loop {
 public:
  static Result<std::unique_ptr<Loop>> Create();
  ~Loop();  // every handle must be gone by now; runs their last close steps, drops posted tasks

  // Until Stop(). Call once at a time; may be called again after it returned.
  void Run();
  // From a callback: Run() returns after this turn. Between two runs: the next one returns at once.
  void Stop();

  // Called at the end of each turn with how long it took: what came in while it lasted has waited
  // that long at most. One at a time; before Run().
  void OnTurn(std::function<void(Nanos took)> turned);

  // Runs `task` in a later turn, in the order posted. Any thread; the queue is unbounded, so post
  // facts, not streams of them.
  void Post(std::function<void()> task);

  struct Impl;
  uv_loop_s* raw() const;

 private:
  Loop();
  std::unique_ptr<Impl> impl_;
};

}  // namespace nightjar
