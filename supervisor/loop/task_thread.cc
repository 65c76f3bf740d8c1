#include "supervisor/loop/task_thread.h"

#include <utility>

#include "ipc/core/quiet_thread.h"

namespace nightjar {

TaskThread::TaskThread(const char* name, size_t tasks_max, Tick tick)
    : tasks_max_(tasks_max),
      tick_(std::move(tick)),
      thread_(QuietThread(name, [this] { Run(); })) {}

TaskThread::~TaskThread() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

bool TaskThread::Add(Task task) {
  {
    std::lock_guard lock(mutex_);
    if (tasks_.size() >= tasks_max_) return false;
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
  return true;
}

std::optional<TaskThread::Task> TaskThread::Next(std::optional<MonoTime> due) {
  std::unique_lock lock(mutex_);
  auto ready = [this] { return ending_ || !tasks_.empty(); };
  if (due)
    changed_.wait_until(lock, *due, ready);
  else
    changed_.wait(lock, ready);
  if (tasks_.empty()) return std::nullopt;
  Task task = std::move(tasks_.front());
  tasks_.pop_front();
  return task;
}

void TaskThread::Run() {
  std::optional<MonoTime> due;
  for (;;) {
    auto task = Next(due);
    if (task) (*task)();
    if (tick_) due = tick_();
    if (task) continue;
    std::lock_guard lock(mutex_);
    if (ending_ && tasks_.empty()) return;
  }
}

}  // namespace nightjar
