// Every two ends of a run that can meet, in both orders and in one moment: one verdict, the first
// true cause, and everybody is told the same.
//
// The cell is immortal until the test lets its worker die, so that a kill takes as long as the test
// wants and what comes during it is certain to come during it.

#include <gtest/gtest.h>

#include <csignal>
#include <set>

#include "tests/unit/run/run_rig.h"

namespace nightjar::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kCpu(4);  // between two looks at the cell, too

class RaceTest;

struct End {
  const char* name;
  void (*happen)(RaceTest&, Call&, FakeWorker&);
  proto::Verdict verdict;
};

class RaceTest : public RunRig, public ::testing::WithParamInterface<std::tuple<End, End>> {
 protected:
  RaceTest() { limits_.cpu.value = kCpu; }

  FakeWorker& Begin(Call& call) {
    FakeWorker& worker = Running(call);
    worker.cell->immortal = true;
    return worker;
  }
  void Let(const End& end, Call& call, FakeWorker& worker) {
    // Nobody is left to be told anything.
    if (!worker.released) end.happen(*this, call, worker);
  }
  bool Seen(const Call& call) {
    return Until([&] {
      const auto live = runs_.Live();
      return call.answers > 0 || live.empty() || live[0]->state() == Run::State::kKilling;
    });
  }
  // Whatever is due at some time of this moment is due.
  void LetTimePass() {
    MonoTime until = clock_.Mono() + kCpu + milliseconds(1);
    while (clock_.Mono() < until) continue;
  }
  void ExpectOneEnd(Call& call, FakeWorker& worker, const std::set<proto::Verdict>& allowed) {
    if (!worker.released) worker.Die(SIGKILL);
    ASSERT_TRUE(UntilOver(call));
    EXPECT_EQ(allowed.count(call.result.verdict), 1u) << VerdictName(call.result.verdict);
    const proto::RunEnded& ended = Ended(call);
    EXPECT_EQ(ended.verdict(), call.result.verdict);
    EXPECT_EQ(ended.has_incident(), LeavesIncident(call.result.verdict));
    for (proto::Verdict told : told_) EXPECT_EQ(told, call.result.verdict);
    EXPECT_TRUE(UntilLive(0));
    EXPECT_EQ(metrics_.host().runs_ended,
              (std::map<std::string, uint64_t>{{VerdictName(call.result.verdict), 1}}));
  }

  std::vector<proto::Verdict> told_;  // to operators

 public:
  static void Answers(RaceTest&, Call& call, FakeWorker& worker) { worker.Say(Finished(call)); }
  static void Crashes(RaceTest&, Call&, FakeWorker& worker) { worker.Die(SIGSEGV); }
  static void RunsOutOfMemory(RaceTest&, Call&, FakeWorker& worker) {
    worker.cell->usage.oom_kills = 1;
    worker.Die(SIGKILL);
  }
  static void StrikesCpu(RaceTest&, Call&, FakeWorker& worker) {
    worker.cell->usage.cpu_us = 2 * 1000 * kCpu.count();
  }
  static void StopsItself(RaceTest&, Call& call, FakeWorker& worker) {
    worker.Say(LimitHit(call, proto::SELF_LIMIT_CALL_DEPTH, 1'000'000));
  }
  static void BreaksItsProtocol(RaceTest&, Call&, FakeWorker& worker) {
    worker.SayBytes("\xff\xff");
  }
  static void IsCondemned(RaceTest& test, Call&, FakeWorker& worker) {
    test.factory_.Broke(worker.id, "its trace ring: a lie");
  }
  static void IsKilledByAnOperator(RaceTest& test, Call& call, FakeWorker&) {
    (void)test.runs_.Kill(call.id, "uid 0 pid 7", [&test](const RunResult& result) {
      test.told_.push_back(result.verdict);
    });
  }
  static void IsStopped(RaceTest& test, Call&, FakeWorker&) {
    test.runs_.Drain(Nanos(0), [] {});
  }
};

const End kEnds[] = {
    {"Answer", RaceTest::Answers, proto::VERDICT_FINISHED},
    {"Crash", RaceTest::Crashes, proto::VERDICT_CRASHED},
    {"OutOfMemory", RaceTest::RunsOutOfMemory, proto::VERDICT_MEMORY},
    {"CpuLimit", RaceTest::StrikesCpu, proto::VERDICT_CPU_TIME},
    {"OwnLimit", RaceTest::StopsItself, proto::VERDICT_CALL_DEPTH},
    {"Breach", RaceTest::BreaksItsProtocol, proto::VERDICT_PROTOCOL},
    {"CondemnedRing", RaceTest::IsCondemned, proto::VERDICT_PROTOCOL},
    {"Operator", RaceTest::IsKilledByAnOperator, proto::VERDICT_OPERATOR},
    {"Stop", RaceTest::IsStopped, proto::VERDICT_STOPPING},
};

TEST_P(RaceTest, TheOneThatIsSeenFirstIsTheCause) {
  const auto& [first, second] = GetParam();
  Call& call = Start();
  FakeWorker& worker = Begin(call);
  Let(first, call, worker);
  ASSERT_TRUE(Seen(call));
  Let(second, call, worker);
  LetTimePass();
  Settle();
  ExpectOneEnd(call, worker, {first.verdict});
}

// The loop hears of both in one turn, and which it takes first is the kernel's choice.
TEST_P(RaceTest, InOneMomentItIsOneOfTheTwo) {
  const auto& [first, second] = GetParam();
  Call& call = Start();
  FakeWorker& worker = Begin(call);
  Let(first, call, worker);
  Let(second, call, worker);
  LetTimePass();
  ExpectOneEnd(call, worker, {first.verdict, second.verdict});
}

INSTANTIATE_TEST_SUITE_P(Ends, RaceTest,
                         ::testing::Combine(::testing::ValuesIn(kEnds), ::testing::ValuesIn(kEnds)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param).name) + "And" +
                                  std::get<1>(info.param).name;
                         });

}  // namespace
}  // namespace nightjar::testing
