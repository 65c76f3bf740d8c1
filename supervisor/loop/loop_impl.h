// What a Loop holds. Internal to supervisor/loop.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "supervisor/loop/loop.h"

namespace nightjar {

class Deadlines;

struct Loop::Impl {
  uv_loop_t uv{};
  bool initialized = false;
  uv_async_t wake{};
  bool wake_ready = false;
  std::mutex mutex;
  std::vector<std::function<void()>> posted;  // guarded by mutex
  std::unique_ptr<Deadlines> deadlines;
};

}  // namespace nightjar
