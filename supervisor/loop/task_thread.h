// A thread that does blocking work for the loop, one task after another, and something of its own
// in between when it is due.
//
// Tasks own what they need and tell the loop with Loop::Post. The queue is bounded: full means that
// the caller gives the task up. The destructor lets everything that was taken run first.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "ipc/core/clock.h"

namespace nightjar {

class TaskThread {
 public:
  using Task = std::function<void()>;
  // Called on the thread after each task and when it is due; returns when it is due next.
  using Tick = std::function<std::optional<MonoTime>()>;

  TaskThread(const char* name, size_t tasks_max, Tick tick);
  ~TaskThread();

  // False: the queue is full, and the task will not run. Any thread.
  bool Add(Task task);

 private:
  void Run();
  std::optional<Task> Next(std::optional<MonoTime> due);  // nullopt: due, or the end

  const size_t tasks_max_;
  const Tick tick_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;  // guarded by mutex_, like the next
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace nightjar
