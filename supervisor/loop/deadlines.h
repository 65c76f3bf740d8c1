// All timers of a loop on one timerfd, in order of their instants. Internal to supervisor/loop.
//
// libuv's own timers count whole milliseconds of a clock that is read once a turn; a kill that comes a millisecond late is what this
// house measures itself by, so the instant is the kernel's.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <set>

#include "ipc/core/clock.h"
#include "ipc/core/fd.h"
#include "ipc/core/result.h"

namespace nightjar {

// One timer's place in the order; owned by the Timer, which leaves before it is destroyed.
struct Deadline {
  MonoTime when{};
  bool set = false;
  std::function<void()> callback;
};

class Deadlines {
 public:
  static Result<std::unique_ptr<Deadlines>> Create(uv_loop_t* loop);
  ~Deadlines();

  void Set(Deadline* deadline, MonoTime when);
  void Clear(Deadline* deadline);

 private:
  struct Earlier {
    bool operator()(const Deadline* a, const Deadline* b) const {
      return a->when != b->when ? a->when < b->when : a < b;
    }
  };

  Deadlines() = default;
  void Arm();
  void OnExpired();
  static void OnPoll(uv_poll_t* poll, int status, int events);

  Fd timer_;
  uv_poll_t* poll_ = nullptr;  // freed by its close step
  MonoTime armed_for_{};
  std::set<Deadline*, Earlier> order_;
};

}  // namespace nightjar
