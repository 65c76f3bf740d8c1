// Runs, and compile runs, that make a system call which their profile denies.

#include <gtest/gtest.h>

#include "supervisor/run/compile_run.h"
#include "tests/support/denied_process.h"
#include "tests/unit/run/run_rig.h"

namespace nightjar::testing {
namespace {

class DenialTest : public RunRig {
 protected:
  DenialTest() { zygote_.manner = FakeZygote::Manner::kBears; }

  FakeWorker& Spawned() {
    EXPECT_TRUE(Until([&] { return !zygote_.workers.empty() && zygote_.last().born; }));
    return zygote_.last();
  }
  // A worker that runs it, and whose denied calls are those of denied_.
  FakeWorker& RunningWithListener(const Call& call) {
    FakeWorker& worker = Spawned();
    worker.SaySealedWith(denied_.listener.get());
    worker.SayArmed();
    return Running(call);
  }

  DeniedProcess denied_;
};

TEST_F(DenialTest, EndsTheRunAndTheIncidentNamesTheCall) {
  Call& call = Start();
  RunningWithListener(call);
  denied_.MakeCall();
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_DENIED_SYSCALL);
  EXPECT_EQ(call.result.status, 500u);
  std::string told =
      DeniedProcess::kTold + ", in thread " + std::to_string(denied_.pid()) + " (culprit?)";
  EXPECT_EQ(call.result.detail, told);
  const proto::Incident& incident = Ended(call).incident();
  EXPECT_EQ(incident.verdict(), proto::VERDICT_DENIED_SYSCALL);
  EXPECT_EQ(incident.detail(), told);
  EXPECT_EQ(incident.exit_signal(), SIGKILL);
}

TEST_F(DenialTest, AnAnswerThatCameBeforeItStands) {
  Call& call = Start();
  FakeWorker& worker = RunningWithListener(call);
  worker.Say(Finished(call));
  denied_.MakeCall();
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_FINISHED);
  EXPECT_TRUE(UntilLive(0));
}

TEST_F(DenialTest, ALimitThatWasStruckBeforeItStands) {
  Call& call = Start();
  FakeWorker& worker = RunningWithListener(call);
  worker.cell->immortal = true;
  ASSERT_TRUE(runs_.Kill(call.id, "uid 0 pid 7", [](const RunResult&) {}));
  denied_.MakeCall();
  Settle();
  worker.Die(SIGKILL);
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_OPERATOR);
}

TEST_F(DenialTest, EndsACompileRun) {
  std::optional<CompileResult> result;
  bool gone = false;
  CompileRun compile(
      {rig_.loop(), clock_, factory_, nullptr}, CompileRun::LimitsFrom(limits_),
      [&](CompileResult done) { result = std::move(done); }, [&](CompileRun*) { gone = true; });
  ASSERT_TRUE(compile.Start("demo", {"demo.dark", "source"}, nullptr));
  Spawned().SaySealedWith(denied_.listener.get());
  denied_.MakeCall();
  ASSERT_TRUE(Until([&] { return gone; }));
  ASSERT_TRUE(result && result->verdict);
  EXPECT_EQ(result->verdict->verdict, proto::VERDICT_DENIED_SYSCALL);
  EXPECT_EQ(result->verdict->detail.find(DeniedProcess::kTold), 0u) << result->verdict->detail;
}

}  // namespace
}  // namespace nightjar::testing
