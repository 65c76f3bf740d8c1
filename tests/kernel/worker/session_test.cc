// A sealed worker's conversation, and every way in which it ends.

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "ipc/core/bounds.h"
#include "ipc/core/worker_exit.h"
#include "tests/kernel/worker/zygote_rig.h"

namespace nightjar::testing {
namespace {

using SessionTest = ZygoteTest;

proto::ToWorker CompileMessage() {
  proto::ToWorker message;
  message.mutable_compile()->set_file_name("canvas.dark");
  return message;
}

TEST_F(SessionTest, ArmsOnceAndRunsAgainAndAgain) {
  auto worker = SpawnArmed();
  ASSERT_NE(worker, nullptr);
  for (int run = 0; run < 3; ++run) {
    worker->Ask("facts");
    auto answer = worker->Receive();
    ASSERT_TRUE(answer.has_finished());
    EXPECT_EQ(answer.finished().run_id(), "0123456789abcdef");
    EXPECT_EQ(answer.finished().status(), 200u);
  }
}

TEST_F(SessionTest, LargeBodiesTravelAsSealedFilesBothWays) {
  auto worker = SpawnArmed();
  ASSERT_NE(worker, nullptr);
  std::string body(bounds::kInlineBodyBytes + 1, 'b');
  auto file = CreateImmutableMemfd("body", body);
  proto::ToWorker message;
  message.mutable_run()->mutable_http()->set_body_memfd_bytes(body.size());
  ASSERT_TRUE(worker->control().Send(message, {file->get()}));
  auto answer = worker->Receive();
  EXPECT_EQ(answer.finished().body(), "");
  EXPECT_EQ(answer.finished().body_memfd_bytes(), body.size());
  ASSERT_EQ(worker->fds.size(), 1u);
  EXPECT_EQ(ReadForeignMemfd(worker->fds[0], bounds::kHttpBodyBytes).value_or("?"), body);
}

// What does not fit a packet must not be taken for a breach of the worker's contract.
TEST_F(SessionTest, AnAnswerWithALargeHeaderArrives) {
  auto worker = SpawnArmed();
  ASSERT_NE(worker, nullptr);
  worker->Ask("header");
  auto answer = worker->Receive();
  ASSERT_TRUE(answer.has_finished());
  EXPECT_EQ(answer.finished().headers(0).value().size(), 40'000u);
  EXPECT_EQ(answer.finished().body_memfd_bytes(), bounds::kInlineBodyBytes);
  ASSERT_EQ(worker->fds.size(), 1u);
}

TEST_F(SessionTest, AHeaderThatNoPacketHoldsIsTheProgramsMistake) {
  auto worker = SpawnArmed();
  ASSERT_NE(worker, nullptr);
  worker->Ask("huge header");
  auto answer = worker->Receive();
  ASSERT_TRUE(answer.has_finished());
  EXPECT_EQ(answer.finished().status(), 500u);
  EXPECT_TRUE(answer.finished().program_error());
  EXPECT_NE(answer.finished().error().find("header"), std::string::npos);
  worker->Ask("facts");  // and it serves on
  EXPECT_EQ(worker->Receive().finished().status(), 200u);
}

TEST_F(SessionTest, AnErrorIsCutToASentence) {
  auto worker = SpawnArmed();
  ASSERT_NE(worker, nullptr);
  worker->Ask("long error");
  auto answer = worker->Receive();
  ASSERT_TRUE(answer.has_finished());
  EXPECT_EQ(answer.finished().error().size(), bounds::kVerdictDetailBytes);
}

TEST_F(SessionTest, CompilesOnceAndReturnsTheProgramAsASealedFile) {
  auto worker = Spawn();
  ASSERT_NE(worker, nullptr);
  ASSERT_TRUE(worker->Receive().has_sealed());
  auto source = CreateImmutableMemfd("source", "text");
  ASSERT_TRUE(worker->control().Send(CompileMessage(), {source->get()}));
  auto answer = worker->Receive();
  EXPECT_EQ(answer.compiled().manifest().functions(), 1u);
  ASSERT_EQ(worker->fds.size(), 1u);
  EXPECT_EQ(ReadForeignMemfd(worker->fds[0], 1000).value_or("?"), "compiled text");
  // A second program would meet what the first left behind.
  ASSERT_TRUE(worker->control().Send(CompileMessage(), {source->get()}));
  ASSERT_TRUE(worker->process().WaitForEnd());
  EXPECT_EQ(worker->process().exit_code(), worker_exit::kBrokenProtocol);
}

TEST_F(SessionTest, ABrokenTextIsADiagnosticAndNoProgram) {
  auto worker = Spawn();
  ASSERT_NE(worker, nullptr);
  ASSERT_TRUE(worker->Receive().has_sealed());
  auto source = CreateImmutableMemfd("source", "broken");
  ASSERT_TRUE(worker->control().Send(CompileMessage(), {source->get()}));
  auto answer = worker->Receive();
  ASSERT_EQ(answer.compiled().diagnostics_size(), 1);
  EXPECT_EQ(answer.compiled().program_bytes(), 0u);
  EXPECT_TRUE(worker->fds.empty());
}

TEST_F(SessionTest, AProgramThatDoesNotLoadIsSaidAndRunsNothing) {
  auto worker = Spawn();
  ASSERT_NE(worker, nullptr);
  ASSERT_TRUE(worker->Receive().has_sealed());
  EXPECT_NE(worker->Arm("foreign").find("another version's program"), std::string::npos);
  worker->Ask("facts");
  ASSERT_TRUE(worker->process().WaitForEnd());
  EXPECT_EQ(worker->process().exit_code(), worker_exit::kBrokenProtocol);
}

TEST_F(SessionTest, RunsNothingBeforeItIsArmed) {
  auto worker = Spawn();
  ASSERT_NE(worker, nullptr);
  ASSERT_TRUE(worker->Receive().has_sealed());
  worker->Ask("facts");
  ASSERT_TRUE(worker->process().WaitForEnd());
  EXPECT_EQ(worker->process().exit_code(), worker_exit::kBrokenProtocol);
}

TEST_F(SessionTest, AnUnsealedProgramFileIsRefused) {
  auto worker = Spawn();
  ASSERT_NE(worker, nullptr);
  ASSERT_TRUE(worker->Receive().has_sealed());
  Fd file(memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  proto::ToWorker message;
  message.mutable_arm();
  ASSERT_TRUE(worker->control().Send(message, {file.get()}));
  EXPECT_NE(worker->Receive().armed().error(), "");
}

TEST_F(SessionTest, GarbageEndsIt) {
  auto worker = SpawnArmed();
  ASSERT_NE(worker, nullptr);
  ASSERT_EQ(send(worker->control().fd(), "\xff\xff", 2, 0), 2);
  ASSERT_TRUE(worker->process().WaitForEnd());
  EXPECT_EQ(worker->process().exit_code(), worker_exit::kBrokenProtocol);
}

TEST_F(SessionTest, TheEndOfItsSocketIsItsEnd) {
  auto worker = SpawnArmed();
  ASSERT_NE(worker, nullptr);
  worker->control() = Channel(Fd(), Channel::Waiting::kYes);
  ASSERT_TRUE(worker->process().WaitForEnd());
  EXPECT_EQ(worker->process().exit_code(), 0);
}

TEST_F(SessionTest, AfterALimitItWaitsForTheKill) {
  auto worker = SpawnArmed();
  ASSERT_NE(worker, nullptr);
  worker->Ask("limit");
  auto answer = worker->Receive();
  EXPECT_EQ(answer.limit_hit().limit(), proto::SELF_LIMIT_CALL_DEPTH);
  EXPECT_EQ(answer.limit_hit().measured(), 7u);
  // Not even its socket's end moves it: its memory is evidence.
  worker->control() = Channel(Fd(), Channel::Waiting::kYes);
  ASSERT_TRUE(worker->process().child().Signal(SIGKILL));
  ASSERT_TRUE(worker->process().WaitForEnd());
  EXPECT_EQ(worker->process().signal(), SIGKILL);
}

TEST_F(SessionTest, TheBackstopEndsARunWithoutASupervisor) {
  auto worker = SpawnArmed();
  ASSERT_NE(worker, nullptr);
  worker->Ask("spin", 20'000'000);
  ASSERT_TRUE(worker->process().WaitForEnd());
  EXPECT_EQ(worker->process().exit_code(), worker_exit::kBackstop);
}

TEST_F(SessionTest, TheBackstopIsTakenBackAfterTheRun) {
  auto worker = SpawnArmed();
  ASSERT_NE(worker, nullptr);
  worker->Ask("facts", 50'000'000);
  ASSERT_TRUE(worker->Receive().has_finished());
  // A run of twice that time, whose own backstop is far away.
  worker->Ask("spin", 60'000'000'000);
  pollfd end{worker->control().fd(), POLLIN, 0};
  EXPECT_EQ(poll(&end, 1, 100), 0);
  EXPECT_FALSE(worker->process().ended());
}

TEST_F(SessionTest, TheKernelsCpuLimitEndsARunWithoutASupervisor) {
  auto worker = SpawnArmed({}, 1);
  ASSERT_NE(worker, nullptr);
  worker->Ask("spin");
  ASSERT_TRUE(worker->process().WaitForEnd());
  EXPECT_EQ(worker->process().signal(), SIGKILL);
}

TEST_F(SessionTest, AProgramIsAskedToStopShortlyBeforeItsDeadlines) {
  constexpr uint64_t kMs = 1'000'000;
  proto::RunLimits wall;
  wall.set_wall_ns_soft(20 * kMs);
  wall.set_wall_ns_max(60'000 * kMs);
  proto::RunLimits cpu;
  cpu.set_cpu_ns_soft(20 * kMs);
  for (const auto& [limits, limit] :
       {std::pair(wall, proto::SELF_LIMIT_WALL), {cpu, proto::SELF_LIMIT_CPU}}) {
    auto worker = SpawnArmed();
    ASSERT_NE(worker, nullptr);
    worker->Ask("until asked", limits);
    auto answer = worker->Receive();
    ASSERT_TRUE(answer.has_limit_hit()) << limit;
    EXPECT_EQ(answer.limit_hit().limit(), limit);
  }
}

// Behind the soft stop the backstop still comes.
TEST_F(SessionTest, AProgramThatDoesNotStopSoftlyMeetsTheBackstop) {
  auto worker = SpawnArmed();
  ASSERT_NE(worker, nullptr);
  proto::RunLimits limits;
  limits.set_wall_ns_soft(20'000'000);
  limits.set_wall_ns_max(100'000'000);
  worker->Ask("spin", limits);
  ASSERT_TRUE(worker->process().WaitForEnd());
  EXPECT_EQ(worker->process().exit_code(), worker_exit::kBackstop);
}

TEST_F(SessionTest, CrashesAreSignals) {
  for (const char* wish : {"crash", "abort", "recurse"}) {
    auto worker = SpawnArmed();
    ASSERT_NE(worker, nullptr);
    worker->Ask(wish);
    ASSERT_TRUE(worker->process().WaitForEnd()) << wish;
    EXPECT_EQ(worker->process().signal(), SIGSEGV) << wish;
  }
}

TEST_F(SessionTest, SpinnersDieByPidfd) {
  auto worker = SpawnArmed();
  ASSERT_NE(worker, nullptr);
  worker->Ask("spin");
  ASSERT_TRUE(worker->process().child().Signal(SIGKILL));
  ASSERT_TRUE(worker->process().WaitForEnd());
  EXPECT_EQ(worker->process().signal(), SIGKILL);
}

}  // namespace
}  // namespace nightjar::testing
