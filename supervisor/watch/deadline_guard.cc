#include "supervisor/watch/deadline_guard.h"

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "ipc/core/log.h"
#include "ipc/core/quiet_thread.h"

namespace nightjar {

DeadlineGuard::DeadlineGuard(std::function<void(Nanos)> woke_late)
    : woke_late_(std::move(woke_late)), thread_(QuietThread("guard", [this] { Live(); })) {}

DeadlineGuard::~DeadlineGuard() {
  {
    std::lock_guard lock(mutex_);
    CHECK(posts_.empty());
    ending_ = true;
  }
  earlier_.notify_one();
  thread_.join();
}

std::unique_ptr<DeadlineGuard::Post> DeadlineGuard::Watch(MonoTime deadline, const Cell& cell) {
  CHECK(cell.kill_dir() >= 0);
  std::unique_ptr<Post> post(new Post(*this, cell));
  MonoTime due = deadline + bounds::kGuardGrace;
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    post->place_ = posts_.emplace(due, post.get());
    wake = due < asleep_until_;
  }
  // Deadlines mostly come in their order, so that this is rare; and a thread that wakes for a post
  // that has ended does so once in a limit's time.
  if (wake) earlier_.notify_one();
  return post;
}

DeadlineGuard::Post::~Post() {
  std::lock_guard lock(guard_.mutex_);
  if (place_) guard_.posts_.erase(*place_);
}

std::optional<MonoTime> DeadlineGuard::Post::killed_at() const {
  std::lock_guard lock(guard_.mutex_);
  return killed_at_;
}

void DeadlineGuard::Live() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    MonoTime until = posts_.empty() ? MonoTime::max() : posts_.begin()->first;
    asleep_until_ = until;
    if (until == MonoTime::max()) {
      earlier_.wait(lock);
      continue;
    }
    if (earlier_.wait_until(lock, until) == std::cv_status::no_timeout) continue;
    MonoTime now = std::chrono::steady_clock::now();
    if (woke_late_) woke_late_(now - until);
    KillDue(now);
  }
}

void DeadlineGuard::KillDue(MonoTime now) {
  while (!posts_.empty() && posts_.begin()->first <= now) {
    Post& post = *posts_.begin()->second;
    posts_.erase(posts_.begin());
    post.place_.reset();
    if (Status killed = WriteFileAt(post.cell_.kill_dir(), "cgroup.kill", "1"); !killed) {
      LogError("guard_kill_failed",
               {{"cell", post.cell_.name()}, {"error", killed.error().ToString()}});
      continue;
    }
    post.killed_at_ = std::chrono::steady_clock::now();
    LogWarning("killed_by_the_guard",
               {{"cell", post.cell_.name()}, {"why", "the loop was late for its deadline"}});
  }
}

}  // namespace nightjar
