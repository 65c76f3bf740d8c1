// Kills at the wall deadlines that the loop is late for, on a thread of its own.
//
// The loop decides over every limit, kills in order and with evidence; what it cannot do is decide
// while it is stuck in something else. So each run's deadline is told to this thread as well. Where
// the loop has not dealt with it bounds::kGuardGrace later, the thread writes the cell's
// cgroup.kill, which needs nobody else, and remembers when; what became of the run is the loop's to
// say all the same, as soon as it can. A quota that holds the dying up is not lifted here.
//
// Only where a cell can be killed so (Cell::kill_dir): elsewhere the worker's own timer is what
// stands. The loop thread makes, asks and ends; posts end before the guard does.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "ipc/core/clock.h"
#include "supervisor/cell/cell.h"

namespace nightjar {

class DeadlineGuard {
 public:
  // Its thread is scheduled as the calling one is. `woke_late` is called on that thread with how
  // late the kernel woke it, each time that it had asked to be; it must not wait for anything.
  explicit DeadlineGuard(std::function<void(Nanos)> woke_late = nullptr);
  ~DeadlineGuard();
  DeadlineGuard(const DeadlineGuard&) = delete;
  DeadlineGuard& operator=(const DeadlineGuard&) = delete;

  // One deadline, watched until this is destroyed; that waits for a kill that is being written.
  class Post {
   public:
    ~Post();
    // When the guard killed the cell; nullopt: it did not have to.
    std::optional<MonoTime> killed_at() const;

   private:
    friend class DeadlineGuard;
    Post(DeadlineGuard& guard, const Cell& cell) : guard_(guard), cell_(cell) {}
    DeadlineGuard& guard_;
    const Cell& cell_;
    std::optional<std::multimap<MonoTime, Post*>::iterator> place_;  // while watched
    std::optional<MonoTime> killed_at_;
  };
  // `cell` outlives the post and has a kill_dir.
  std::unique_ptr<Post> Watch(MonoTime deadline, const Cell& cell);

 private:
  void Live();
  void KillDue(MonoTime now);

  const std::function<void(Nanos)> woke_late_;
  std::mutex mutex_;  // of all below, and of what posts hold; never for longer than one kill
  std::condition_variable earlier_;
  std::multimap<MonoTime, Post*> posts_;  // by when they are killed
  MonoTime asleep_until_ = MonoTime::max();
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace nightjar
