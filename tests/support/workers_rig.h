// A pool with its factory on a loop, over cells, a zygote and a journal that a test plays.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "supervisor/pool/worker_pool.h"
#include "tests/support/fake_cells.h"
#include "tests/support/fake_journal.h"
#include "tests/support/fake_workers.h"
#include "tests/support/loop_rig.h"
#include "tests/support/revisions.h"

namespace nightjar::testing {

// ClockType: FakeClock where the pool's own time matters (idle, back-off), SystemClock where runs
// are watched.
template <typename ClockType>
class WorkersRig : public ::testing::Test {
 protected:
  static constexpr uint32_t kFirstUid = 70'000;
  static constexpr uint32_t kUids = 64;

  bool Until(std::function<bool()> fact) { return rig_.RunUntil(std::move(fact)); }
  // Whatever was going to come in the next turns has come. For facts that something does not
  // happen.
  void Settle() {
    int turns = 0;
    ASSERT_TRUE(Until([&] { return ++turns > 20; }));
  }
  bool UntilArmed(size_t count, const std::string& canvas = "demo") {
    return Until([&, count] {
      WorkerPool::Counts counts = pool_.CountsOf(canvas);
      return counts.armed == count && counts.starting == 0;
    });
  }
  // Processes that the supervisor has asked for and not seen the end of.
  bool UntilLive(size_t count) {
    return Until([&, count] { return factory_.live() == count; });
  }

  LoopRig rig_;
  ClockType clock_;
  FakeCellTree cells_;
  FakeZygote zygote_{rig_.loop(), cells_};
  FakeJournal journal_;
  policy::Limits limits_;  // the canvas's own
  WorkerFactory factory_{rig_.loop(),        clock_,   cells_,
                         {zygote_, zygote_}, journal_, UidRange(kFirstUid, kUids)};
  WorkerPool pool_{rig_.loop(), clock_, factory_, [this](const std::string&) { return limits_; }};
};

}  // namespace nightjar::testing
