// A loop for a test, and two ways to turn it that end: when the test stops it, or when a fact
// holds. Both give up after `patience`, so that what never happens fails the test rather than
// hanging it.
#pragma once

#include <functional>
#include <memory>

#include "ipc/core/check.h"
#include "supervisor/loop/loop.h"

namespace nightjar::testing {

class LoopRig {
 public:
  LoopRig() {
    auto loop = Loop::Create();
    CHECK(loop.has_value());
    loop_ = std::move(*loop);
  }

  Loop& loop() { return *loop_; }

  // Runs until somebody calls loop().Stop(). False: nobody did.
  bool Run(Nanos patience = std::chrono::seconds(20)) {
    bool in_time = true;
    Timer guard(*loop_, [&] {
      in_time = false;
      loop_->Stop();
    });
    guard.StartAfter(patience);
    loop_->Run();
    return in_time;
  }

  // Runs until `fact` holds; asks again and again. False: it never did.
  bool RunUntil(std::function<bool()> fact, Nanos patience = std::chrono::seconds(20)) {
    if (fact()) return true;
    bool holds = false;
    Timer look(*loop_, [&] {
      holds = fact();
      if (holds) loop_->Stop();
    });
    look.StartEvery(std::chrono::microseconds(200));
    return Run(patience) && holds;
  }

 private:
  std::unique_ptr<Loop> loop_;
};

}  // namespace nightjar::testing
