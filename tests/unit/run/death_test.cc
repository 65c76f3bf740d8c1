// Workers that die by themselves in the middle of a run.

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "ipc/core/bounds.h"
#include "ipc/core/worker_exit.h"
#include "tests/support/kill_dir.h"
#include "tests/unit/run/run_rig.h"

namespace nightjar::testing {
namespace {

struct Death {
  const char* name;
  std::function<void(FakeWorker&)> die;
  proto::Verdict verdict;
  int signal;
  int exit_status;
};

class RunDeathTest : public RunRig, public ::testing::WithParamInterface<Death> {};

TEST_P(RunDeathTest, IsExplainedOnce) {
  Call& call = Start();
  FakeWorker& worker = Running(call);
  GetParam().die(worker);
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, GetParam().verdict) << call.result.detail;
  const proto::RunEnded& ended = Ended(call);
  EXPECT_EQ(ended.verdict(), GetParam().verdict);
  EXPECT_EQ(ended.detail(), call.result.detail);
  EXPECT_EQ(ended.incident().exit_signal(), GetParam().signal);
  EXPECT_EQ(ended.incident().exit_status(), GetParam().exit_status);
  EXPECT_EQ(ended.incident().handler(), "GET /hello/:name");
  ASSERT_TRUE(UntilLive(0));
  EXPECT_EQ(journal_.order,
            (std::vector<std::string>{"attach 1", "began 1", "ended 1", "detach 1"}));
}

INSTANTIATE_TEST_SUITE_P(
    Each, RunDeathTest,
    ::testing::Values(
        Death{"Crash", [](auto& worker) { worker.Die(SIGSEGV); }, proto::VERDICT_CRASHED, SIGSEGV,
              0},
        Death{"KilledBySomebodyElse", [](auto& worker) { worker.Die(SIGKILL); },
              proto::VERDICT_CRASHED, SIGKILL, 0},
        Death{"DeniedSystemCall", [](auto& worker) { worker.Die(SIGSYS); },
              proto::VERDICT_DENIED_SYSCALL, SIGSYS, 0},
        Death{"TheKernelsCpuLimit", [](auto& worker) { worker.Die(SIGXCPU); },
              proto::VERDICT_CPU_TIME, SIGXCPU, 0},
        Death{"OutOfMemory",
              [](auto& worker) {
                worker.cell->usage.oom_kills = 1;
                worker.Die(SIGKILL);
              },
              proto::VERDICT_MEMORY, SIGKILL, 0},
        Death{"TooManyProcesses",
              [](auto& worker) {
                worker.cell->usage.pids_denied = 1;
                worker.Die(SIGABRT);
              },
              proto::VERDICT_PIDS, SIGABRT, 0},
        Death{"LeavesWithoutAWord", [](auto& worker) { worker.Exit(0); },
              proto::VERDICT_WORKER_EXITED, 0, 0},
        Death{"TheBackstop", [](auto& worker) { worker.Exit(worker_exit::kBackstop); },
              proto::VERDICT_WALL_TIME, 0, worker_exit::kBackstop},
        // The end of its socket is no verdict: its exit, which says more, is about to be seen.
        Death{"HangsUpAndCrashes",
              [](auto& worker) {
                worker.HangUp();
                worker.Die(SIGSEGV);
              },
              proto::VERDICT_CRASHED, SIGSEGV, 0}),
    [](const auto& info) { return info.param.name; });

class DeathTest : public RunRig {};

TEST_F(DeathTest, WhatItSaidBeforeItDiedComesFirst) {
  Call& call = Start();
  FakeWorker& worker = Running(call);
  worker.Say(Finished(call, "my last words"));
  worker.Die(SIGSEGV);
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_FINISHED);
  EXPECT_EQ(call.result.body, "my last words");
  ASSERT_TRUE(UntilLive(0));
}

// The loop was away while the deadline passed, and the first that it hears is the end.
TEST_F(DeathTest, AWorkerThatTheGuardKilledDiedOfItsDeadline) {
  limits_.wall.value = std::chrono::milliseconds(20);
  KillDir dir;
  cells_.kill_at = dir.fd();
  Call& call = Start();
  FakeWorker& worker = Running(call);
  while (!dir.killed()) std::this_thread::yield();
  worker.Die(SIGKILL);
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_WALL_TIME) << call.result.detail;
  EXPECT_TRUE(Ended(call).incident().kill().by_guard());
  EXPECT_GE(Ended(call).incident().kill().overshoot_us(), 20'000u);
  EXPECT_EQ(metrics_.host().guard_kills, 1u);
}

TEST_F(DeathTest, AWorkerThatDiedWithItsAnswerIsNotLentAgain) {
  limits_.reuse.value = 10;
  Call& one = Start();
  FakeWorker& worker = Running(one);
  worker.Say(Finished(one));
  worker.Die(SIGKILL);
  ASSERT_TRUE(UntilOver(one));
  ASSERT_TRUE(UntilLive(0));
  Call& two = Start();
  FakeWorker& fresh = Running(two);
  fresh.Say(Finished(two));
  ASSERT_TRUE(UntilOver(two));
  EXPECT_EQ(two.result.verdict, proto::VERDICT_FINISHED);
}

// It died while it waited, and its end had not been seen yet when it was lent.
TEST_F(DeathTest, AWorkerThatIsDeadWhenItIsLentIsExplainedByItsDeath) {
  limits_.armed.value = 1;
  pool_.Refresh(revision_);
  ASSERT_TRUE(UntilArmed(1));
  FakeWorker& worker = zygote_.last();
  worker.HangUp();
  worker.cell->usage.oom_kills_host = 1;
  worker.Die(SIGKILL);
  Call& call = Start();
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_MEMORY) << call.result.detail;
  EXPECT_EQ(Ended(call).incident().exit_signal(), SIGKILL);
}

TEST_F(DeathTest, ARunWhoseWorkerCannotStartSaysWhy) {
  zygote_.manner = FakeZygote::Manner::kFails;
  Call& call = Start();
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_START_FAILED);
  EXPECT_EQ(call.result.status, 503u);
  const proto::RunEnded& ended = Ended(call);
  EXPECT_EQ(ended.worker_id(), 0u);
  EXPECT_TRUE(ended.has_incident());
  EXPECT_TRUE(journal_.began.empty());
}

// A worker that is being armed may say anything as the reason why it cannot.
TEST_F(DeathTest, AReasonThatIsAFloodIsCut) {
  zygote_.manner = FakeZygote::Manner::kBears;
  Call& call = Start();
  ASSERT_TRUE(Until([&] { return zygote_.workers.size() == 1; }));
  proto::FromWorker message;
  message.mutable_armed()->set_error(std::string(90'000, 'z'));
  zygote_.last().Say(message);
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_START_FAILED);
  EXPECT_LT(Ended(call).ByteSizeLong(), bounds::kFrameBytes / 4);
}

class ProgramTest : public RunRig {
 protected:
  RunOrder ProgramOrder() {
    RunOrder order = Order();
    order.handler.set_engine(proto::ENGINE_EXEC);
    order.limits.exec.value = limits_.exec.value = true;
    return order;
  }
  static proto::FromWorker Died(const Call& call, int signal) {
    proto::FromWorker message;
    message.mutable_died()->set_run_id(std::string(call.id.bytes()));
    message.mutable_died()->set_signal(signal);
    return message;
  }
};

TEST_F(ProgramTest, ItsSignalIsTheCauseAndNotItsWorkersEnd) {
  Call& call = Start(ProgramOrder());
  Running(call).Say(Died(call, SIGBUS));
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_CRASHED);
  EXPECT_EQ(call.result.detail, "the program died of signal 7 (Bus error)");
  ASSERT_TRUE(UntilLive(0));
}

TEST_F(ProgramTest, ItsProcessesAreSeenBeforeTheyAreKilled) {
  Call& call = Start(ProgramOrder());
  FakeWorker& worker = Running(call);
  worker.cell->processes = {getpid()};
  worker.cell->cell_events.memory_max = 3;
  worker.cell->usage.memory_bytes = 4096;
  ASSERT_TRUE(runs_.Kill(call.id, "uid 0", [](const RunResult&) {}));
  EXPECT_TRUE(worker.cell->done.empty());
  ASSERT_TRUE(UntilOver(call));
  const proto::Incident& incident = Ended(call).incident();
  EXPECT_EQ(incident.processes_in_all(), 1u);
  ASSERT_EQ(incident.processes_size(), 1);
  EXPECT_EQ(incident.processes(0).pid(), getpid());
  EXPECT_EQ(incident.events().memory_max(), 3u);
  ASSERT_EQ(incident.usage_over_time_size(), 1);  // its end
  EXPECT_EQ(incident.usage_over_time(0).memory_bytes(), 4096u);
}

TEST_F(ProgramTest, AProgramThatDiesUnderTheLookIsGoneAllTheSame) {
  Call& call = Start(ProgramOrder());
  FakeWorker& worker = Running(call);
  ASSERT_TRUE(runs_.Kill(call.id, "uid 0", [](const RunResult&) {}));
  worker.Die(SIGSEGV);
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_OPERATOR);  // the first cause
  ASSERT_TRUE(UntilLive(0));
}

// The engine's own process is ours, and everything that the interpreter does is in the trace.
TEST_F(DeathTest, ARunOfTheLanguageHasNoProcessesToShow) {
  Call& call = Start();
  FakeWorker& worker = Running(call);
  worker.cell->processes = {getpid()};
  ASSERT_TRUE(runs_.Kill(call.id, "uid 0", [](const RunResult&) {}));
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(Ended(call).incident().processes_size(), 0);
}

TEST_F(ProgramTest, TheKernelsKillForMemoryIsToldAsSuch) {
  Call& call = Start(ProgramOrder());
  FakeWorker& worker = Running(call);
  worker.cell->usage.oom_kills = 1;
  worker.Say(Died(call, SIGKILL));
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_MEMORY);
}

TEST_F(ProgramTest, WhatItsCanvasHeldBackIsToldAsSuchThoughItEndedWhenItWasAsked) {
  limits_.wall.value = std::chrono::milliseconds(500);
  limits_.soft_stop.value = std::chrono::milliseconds(50);
  limits_.canvas_memory_bytes.value = 64 << 20;
  Call& call = Start(ProgramOrder());
  FakeWorker& worker = Running(call);
  const MonoTime asked = clock_.Mono() + std::chrono::milliseconds(450);
  worker.cell->usage.memory_peak_bytes = 57 << 20;
  worker.cell->usage.canvas_cells = 1;
  worker.cell->usage.canvas_braked = true;
  ASSERT_TRUE(Until([&] { return clock_.Mono() > asked; }));
  worker.cell->usage.canvas_braked = false;  // what it had is free
  worker.Say(LimitHit(call, proto::SELF_LIMIT_WALL, 0));
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_MEMORY);
  EXPECT_EQ(Ended(call).incident().broken().name(), "canvas_memory");
}

TEST_F(ProgramTest, WhatMakesNoSenseBreaksTheProtocol) {
  for (int signal : {0, -1, 65}) {
    Call& call = Start(ProgramOrder());
    Running(call).Say(Died(call, signal));
    ASSERT_TRUE(UntilOver(call));
    EXPECT_EQ(call.result.verdict, proto::VERDICT_PROTOCOL) << signal;
  }
}

TEST_F(ProgramTest, IsRefusedWherePolicyLetsNoneRun) {
  RunOrder order = ProgramOrder();
  order.limits.exec = {false, {"policy.toml:9", "canvas demo"}};
  Call& call = Start(std::move(order));
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_REFUSED);
  EXPECT_EQ(call.result.status, 503u);
  EXPECT_NE(call.result.detail.find("limit exec = false"), std::string::npos);
  EXPECT_NE(call.result.detail.find("policy.toml:9, canvas demo"), std::string::npos);
  EXPECT_EQ(Ended(call).incident().refusal().kind(), proto::REFUSAL_EXEC);
  EXPECT_EQ(Ended(call).incident().broken().name(), "exec");
  EXPECT_TRUE(zygote_.workers.empty());
}

}  // namespace
}  // namespace nightjar::testing
