#include "tests/hostile/peers/judge.h"

#include <gtest/gtest.h>

namespace nightjar::hostile {
namespace {

CrimeRow Crime(const std::string& verdict, const std::string& says = "") {
  return {"crime", "kind", Split(verdict, '|'), says};
}

PeerRun Said(const std::string& output) {
  PeerRun run;
  run.output = "begun\n" + output;
  return run;
}

PeerOutcome Of(const CrimeRow& crime, const PeerRun& run) {
  return JudgePeer(crime, run).outcome;
}

TEST(JudgePeerTest, ARunThatDidNotBeginIsNoSuccessOfThePeer) {
  PeerRun run;
  run.words = "bwrap: no permission\nmore";
  PeerVerdict verdict = JudgePeer(Crime("denied_syscall", "bpf"), run);
  EXPECT_EQ(verdict.outcome, PeerOutcome::kNotRun);
  EXPECT_EQ(verdict.why, "bwrap: no permission");
}

TEST(JudgePeerTest, ACallThatIsAllowedIsNotStopped) {
  EXPECT_EQ(Of(Crime("denied_syscall", "unshare"), Said("allowed\n")), PeerOutcome::kNotStopped);
  EXPECT_EQ(Of(Crime("finished", "EPERM"), Said("allowed\n")), PeerOutcome::kNotStopped);
  EXPECT_EQ(Of(Crime("crashed", "signal 25"), Said("allowed\n")), PeerOutcome::kNotStopped);
}

TEST(JudgePeerTest, ARefusedCallIsStopped) {
  for (const char* error : {"EPERM\n", "EACCES\n", "ENOSYS\n", ""})
    EXPECT_EQ(Of(Crime("denied_syscall", "bpf"), Said(error)), PeerOutcome::kStopped) << error;
}

TEST(JudgePeerTest, ACallThatFailedForItsArgumentsHasReachedTheKernel) {
  PeerVerdict verdict = JudgePeer(Crime("denied_syscall", "bpf"), Said("EFAULT\n"));
  EXPECT_EQ(verdict.outcome, PeerOutcome::kReached);
  EXPECT_EQ(verdict.why, "EFAULT");
}

TEST(JudgePeerTest, WhatTheTableExpectsIsStoppedEvenWhereAPartWasAllowed) {
  EXPECT_EQ(Of(Crime("finished", "EPERM"), Said("allowed\nEPERM\n")), PeerOutcome::kStopped);
  EXPECT_EQ(Of(Crime("finished", "allowed"), Said("allowed\n")), PeerOutcome::kStopped);
}

TEST(JudgePeerTest, AnotherErrorThanOursIsAnErrorAllTheSame) {
  EXPECT_EQ(Of(Crime("finished", "ENOENT"), Said("EACCES\n")), PeerOutcome::kStopped);
}

TEST(JudgePeerTest, WhatWasAllowedOnTheWayToAnErrorLedNowhere) {
  EXPECT_EQ(Of(Crime("finished", "EPERM"), Said("allowed\nEINVAL\n")), PeerOutcome::kStopped);
  EXPECT_EQ(Of(Crime("finished", "ENOSYS"), Said("EINVAL\nallowed\n")), PeerOutcome::kNotStopped);
}

TEST(JudgePeerTest, ADiscoveryIsNotStopped) {
  PeerVerdict verdict = JudgePeer(Crime("finished", "there 0"), Said("there 3\n"));
  EXPECT_EQ(verdict.outcome, PeerOutcome::kNotStopped);
  EXPECT_EQ(verdict.why, "\"there 3\"");
}

TEST(JudgePeerTest, WhatTheOuterCellHadToStopThePeerDidNot) {
  PeerRun run = Said("");
  run.outer_limit = "memory";
  EXPECT_EQ(Of(Crime("memory"), run), PeerOutcome::kNotStopped);
  EXPECT_EQ(JudgePeer(Crime("memory"), run).why, "outer memory");
}

TEST(JudgePeerTest, ProcessesThatAreLeftAreNotStopped) {
  PeerRun run = Said("left\n");
  EXPECT_EQ(Of(Crime("finished", "left"), run), PeerOutcome::kStopped);
  run.survivors = true;
  EXPECT_EQ(Of(Crime("finished", "left"), run), PeerOutcome::kNotStopped);
}

TEST(JudgePeerTest, ATreeThatUsesMoreProcessorThanItsLimitIsNotStopped) {
  PeerRun run = Said("");
  run.cpu_us = 2'500'000;
  EXPECT_EQ(Of(Crime("cpu_time"), run), PeerOutcome::kNotStopped);
  EXPECT_EQ(Of(Crime("cpu_time|wall_time"), run), PeerOutcome::kStopped);
}

TEST(JudgePeerTest, AnExitStatusExplainsNothing) {
  PeerRun run = Said("");
  run.exit_code = 159;
  PeerVerdict verdict = JudgePeer(Crime("denied_syscall", "bpf"), run);
  EXPECT_TRUE(verdict.ended);
  EXPECT_FALSE(verdict.explained);
}

TEST(JudgePeerTest, WordsThatNameTheLimitExplain) {
  PeerRun run = Said("");
  run.exit_code = 137;
  run.words = "timeout: sending signal KILL to command 'bwrap'";
  EXPECT_TRUE(JudgePeer(Crime("wall_time"), run).explained);
}

TEST(JudgePeerTest, WhatEndedByItselfNeedsNoExplanation) {
  PeerRun run = Said("EPERM\n");
  run.words = "seccomp";
  EXPECT_FALSE(JudgePeer(Crime("denied_syscall", "bpf"), run).explained);
}

TEST(JudgePeerTest, AnAnswerIsNotForPeers) {
  CrimeRow answer = Crime("program_error");
  answer.kind = "output";
  EXPECT_FALSE(IsForPeers(answer));
  CrimeRow flood = Crime("output");
  flood.kind = "output";
  EXPECT_TRUE(IsForPeers(flood));
  EXPECT_TRUE(IsForPeers(Crime("finished")));
}

TEST(CrimeTableTest, IsReadFromTheProgramsOwnLines) {
  auto crimes = ParseCrimeTable("spin\ttime\tcpu_time|wall_time\t\nmounts\tcalls\tdenied\tmount\n");
  ASSERT_EQ(crimes.size(), 2u);
  EXPECT_EQ(crimes[0].expected, (std::vector<std::string>{"cpu_time", "wall_time"}));
  EXPECT_EQ(crimes[0].says, "");
  EXPECT_EQ(crimes[1].says, "mount");
}

}  // namespace
}  // namespace nightjar::hostile
