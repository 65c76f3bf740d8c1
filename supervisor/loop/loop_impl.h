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
  void TellTurn();

  uv_loop_t loop;
  uv_async_t wake_up;
  uv_prepare_t turn_over;  // fires before the loop waits for what comes next
  uint64_t turned_ns = 0;  // the loop's clock then, and what it had waited by then
  uint64_t waited_ns = 0;
  std::function<void(Nanos)> turned;
  TimerQueue timers;
  bool opened = false;
  std::mutex mutex;
  std::vector<std::function<void()>> posted;  // guarded by mutex
};

}  // namespace nightjar
