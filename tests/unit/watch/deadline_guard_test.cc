// What the guard's thread kills and what it leaves alone. That it kills in time is a benchmark's
// matter: here it is waited for.

#include "supervisor/watch/deadline_guard.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "ipc/core/bounds.h"
#include "tests/support/fake_cells.h"
#include "tests/support/kill_dir.h"

namespace nightjar::testing {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

// A cell that can be killed, and its deadline under the guard.
struct Watched {
  Watched(DeadlineGuard& guard, MonoTime deadline) : cell("canvas-demo/cell-1") {
    cell.kill_at = dir.fd();
    post = guard.Watch(deadline, cell);
  }
  KillDir dir;
  FakeCell cell;
  std::unique_ptr<DeadlineGuard::Post> post;
};

void WaitForKill(const Watched& watched) {
  while (!watched.post->killed_at()) std::this_thread::yield();
}

TEST(DeadlineGuardTest, KillsWhatTheLoopIsLateForAndSaysWhen) {
  DeadlineGuard guard;
  SystemClock clock;
  MonoTime deadline = clock.Mono() + milliseconds(3);
  Watched late(guard, deadline);
  WaitForKill(late);
  EXPECT_TRUE(late.dir.killed());
  EXPECT_GE(*late.post->killed_at(), deadline + bounds::kGuardGrace);
  EXPECT_LE(*late.post->killed_at(), clock.Mono());
}

TEST(DeadlineGuardTest, LeavesAloneWhatTheLoopHasDealtWith) {
  DeadlineGuard guard;
  MonoTime now = SystemClock().Mono();
  Watched in_time(guard, now);
  Watched late(guard, now + milliseconds(1));
  in_time.post.reset();
  WaitForKill(late);  // the other's time is over by then
  EXPECT_FALSE(in_time.dir.killed());
}

TEST(DeadlineGuardTest, AnEarlierDeadlineThatComesLaterIsNotOverslept) {
  DeadlineGuard guard;
  MonoTime now = SystemClock().Mono();
  Watched far(guard, now + hours(24));
  Watched near(guard, now);
  WaitForKill(near);
  EXPECT_FALSE(far.dir.killed());
  EXPECT_FALSE(far.post->killed_at());
}

TEST(DeadlineGuardTest, ManyOfOneMomentAreAllKilled) {
  DeadlineGuard guard;
  MonoTime now = SystemClock().Mono();
  std::vector<std::unique_ptr<Watched>> all;
  for (int i = 0; i < 50; ++i) all.push_back(std::make_unique<Watched>(guard, now));
  for (const auto& one : all) WaitForKill(*one);
  for (const auto& one : all) EXPECT_TRUE(one->dir.killed());
}

TEST(DeadlineGuardTest, AKillThatFailsIsNotOneAndDoesNotEndTheGuard) {
  DeadlineGuard guard;
  MonoTime now = SystemClock().Mono();
  Watched broken(guard, now);
  broken.dir.Break();
  Watched other(guard, now + milliseconds(1));
  WaitForKill(other);
  EXPECT_FALSE(broken.post->killed_at());
}

TEST(DeadlineGuardTest, TellsHowLateItWasWoken) {
  std::atomic<int> told = 0;
  {
    DeadlineGuard guard([&](Nanos late) {
      EXPECT_GE(late, Nanos(0));
      ++told;
    });
    Watched one(guard, SystemClock().Mono());
    WaitForKill(one);
  }
  EXPECT_GE(told, 1);
}

}  // namespace
}  // namespace nightjar::testing
