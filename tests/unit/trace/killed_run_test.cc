#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>

#include "ipc/core/check.h"
#include "tests/unit/trace/trace_rig.h"

namespace nightjar::testing {
namespace {

// What a run does about a full ring: lets the recorder drop, or goes on only when there is room, so
// that nothing is dropped.
enum class FullRing { kDrop, kAwaitRoom };

int64_t Fib(TraceRig& rig, int64_t n, FullRing full_ring) {
  while (full_ring == FullRing::kAwaitRoom && rig.HalfFull()) {
  }
  uint64_t call = rig.Open("fib", {Int(n)});
  int64_t result = n < 2 ? n : Fib(rig, n - 1, full_ring) + Fib(rig, n - 2, full_ring);
  rig.recorder().TakeBranch(5, n < 2);
  rig.recorder().CloseCall(call, Int(result));
  return result;
}

// Fibonacci for ever, in a child, until it is killed.
pid_t StartEndlessFib(TraceRig& rig, uint64_t bytes_max, FullRing full_ring) {
  pid_t child = fork();
  CHECK(child >= 0);
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  rig.Start(bytes_max);
  for (;;) Fib(rig, 15, full_ring);
}

void Kill(pid_t child) {
  ASSERT_EQ(kill(child, SIGKILL), 0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
}

TEST(KilledRunTest, LeavesEveryEventThatItRecorded) {
  for (uint64_t enough : {10, 1000, 40000}) {
    TraceRig rig;
    pid_t child = StartEndlessFib(rig, uint64_t{1} << 40, FullRing::kAwaitRoom);
    std::vector<proto::TraceEvent> events;
    auto drain = [&] {
      for (auto& event : rig.Drain()) events.push_back(std::move(event));
    };
    while (events.size() < enough && !HasFailure()) drain();
    Kill(child);
    drain();
    ExpectNoUnexplainedHole(events);
    RingEvidence evidence = rig.Evidence();
    EXPECT_EQ(evidence.counters.dropped, 0u);
    // An event is published before it is counted and before the spine changes: a kill in between
    // leaves them one behind.
    EXPECT_LE(events.back().seq() - evidence.counters.events, 1u);
    std::map<uint64_t, proto::Call> open;
    for (const auto& event : events) {
      if (event.has_call()) open[event.call().call_id()] = event.call();
      if (event.has_return_()) open.erase(event.return_().call_id());
    }
    EXPECT_LE(open.size() - evidence.open_calls + 1, 2u);
    uint64_t parent = 0;
    for (const auto& [id, call] : open) {
      EXPECT_EQ(call.parent(), parent);
      parent = id;
    }
  }
}

TEST(KilledRunTest, LeavesItsFirstAndItsLastEventsWhenTheBudgetIsUsedUp) {
  TraceRig rig;
  pid_t child = StartEndlessFib(rig, 32768, FullRing::kDrop);
  while (rig.Counters().dropped < 50000) {
  }
  Kill(child);
  auto events = rig.Drain();
  ExpectNoUnexplainedHole(events);
  EXPECT_TRUE(events.front().has_run_start());
  EXPECT_GT(events.size(), 400u);
  RingEvidence evidence = rig.Evidence();
  ASSERT_GT(evidence.newest.size(), 500u);
  uint64_t seq = TraceRig::Parse(evidence.newest.front()).seq();
  for (const std::string& record : evidence.newest) EXPECT_EQ(TraceRig::Parse(record).seq(), seq++);
  EXPECT_GE(seq, evidence.counters.events);
  EXPECT_LE(evidence.open_calls, 16u);
  for (const OpenFrame& frame : evidence.frames) EXPECT_EQ(frame.fn, "fib");
}

}  // namespace
}  // namespace nightjar::testing
