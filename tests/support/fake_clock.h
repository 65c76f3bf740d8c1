// A clock that stands still until a test moves it. One thread.
#pragma once

#include "ipc/core/clock.h"

namespace nightjar::testing {

class FakeClock final : public Clock {
 public:
  MonoTime Mono() const override { return mono_; }
  WallTime Wall() const override { return wall_; }

  void Advance(Nanos by) {
    mono_ += by;
    wall_ += std::chrono::duration_cast<WallTime::duration>(by);
  }
  void SetWall(WallTime wall) { wall_ = wall; }

 private:
  MonoTime mono_{std::chrono::hours(1)};
  WallTime wall_{std::chrono::sys_days{std::chrono::year{2024} / 2 / 29}};
};

}  // namespace nightjar::testing
