// What a loop is made of, for the files of this folder alone.
#pragma once

#include <uv.h>

#include <mutex>
#include <vector>

#include "supervisor/loop/loop.h"
#include "supervisor/loop/timer_queue.h"

namespace nightjar {

struct Loop::Impl {
  static Impl& Of(const Loop& loop) { return *static_cast<Impl*>(loop.raw()->data); }

  Status Open();
  void RunPosted();

  uv_loop_t loop;
  uv_async_t wake_up;
  TimerQueue timers;
  bool opened = false;
  std::mutex mutex;
  std::vector<std::function<void()>> posted;  // guarded by mutex
};

}  // namespace nightjar
