// Counts the steps of a run, and stops it at a number of them or when it is asked to.
//
// A step is a call, of a function, a lambda or the library, or a branch that is taken. What a
// library function does within its step is bounded by its arguments. Single thread, but for Ask(),
// which a signal handler calls.
#pragma once

#include <atomic>
#include <cstdint>

#include "ipc/proto/worker.pb.h"

namespace nightjar::lang {

// The program has come to a limit that the worker keeps itself.
struct LimitReached {
  proto::SelfLimit limit;
  uint64_t measured;
};

class Fuel {
 public:
  // For a new run; 0: as many steps as it takes.
  void Fill(uint64_t steps_max) {
    steps_ = 0;
    steps_max_ = steps_max == 0 ? UINT64_MAX : steps_max;
    asked_for.store(proto::SELF_LIMIT_UNSPECIFIED, std::memory_order_relaxed);
    stop_after.store(steps_max_, std::memory_order_relaxed);
  }
  // Throws LimitReached.
  void Step() {
    if (++steps_ > stop_after.load(std::memory_order_relaxed)) [[unlikely]]
      Stop();
  }
  uint64_t steps() const { return steps_; }

  // The run that is going on stops at its next step. Safe in a signal handler.
  static void Ask(proto::SelfLimit why) {
    asked_for.store(why, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_release);
    stop_after.store(0, std::memory_order_relaxed);
  }

 private:
  [[noreturn, gnu::noinline]] void Stop() const {
    std::atomic_signal_fence(std::memory_order_acquire);
    proto::SelfLimit why = asked_for.load(std::memory_order_relaxed);
    throw LimitReached{why == proto::SELF_LIMIT_UNSPECIFIED ? proto::SELF_LIMIT_STEPS : why,
                       steps_};
  }

  // A process runs one program at a time, and a signal knows no object.
  static inline std::atomic<uint64_t> stop_after{UINT64_MAX};
  static inline std::atomic<proto::SelfLimit> asked_for{proto::SELF_LIMIT_UNSPECIFIED};

  uint64_t steps_ = 0;
  uint64_t steps_max_ = UINT64_MAX;
};

}  // namespace nightjar::lang
