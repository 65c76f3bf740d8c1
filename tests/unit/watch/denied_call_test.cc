// How a denied system call is told.

#include "supervisor/watch/denied_call.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

namespace nightjar {
namespace {

std::string Told(int number, std::array<uint64_t, 6> arguments = {}) {
  DeniedCall call;
  call.number = number;
  call.arguments = arguments;
  return CauseOf(call, policy::Limits()).sentence;
}

std::string Number(int number) {
  return ", system call " + std::to_string(number) + ", which its profile does not allow";
}

TEST(DeniedCallTest, IsACauseWithAName) {
  DeniedCall call;
  call.number = SYS_socket;
  call.arguments = {2, 1, 0, 4, 5, 6};
  call.tid = 4711;
  call.thread = "nightjar-worker";
  KillCause cause = CauseOf(call, policy::Limits());
  EXPECT_EQ(cause.verdict, proto::VERDICT_DENIED_SYSCALL);
  EXPECT_EQ(cause.sentence, "it called socket(domain 2, type 0x1, protocol 0)" +
                                Number(SYS_socket) + ", in thread 4711 (nightjar-worker)");
  EXPECT_EQ(cause.limit, "");
}

TEST(DeniedCallTest, OneThatPolicyTookAwayNamesItsLine) {
  policy::Limits limits;
  limits.denied_calls = {{"ptrace", "socket"}, {"policy.toml:7", "canvas demo"}};
  DeniedCall call;
  call.number = SYS_socket;
  KillCause cause = CauseOf(call, limits);
  EXPECT_EQ(cause.verdict, proto::VERDICT_DENIED_SYSCALL);
  EXPECT_EQ(cause.limit, "denied_calls");
  EXPECT_EQ(
      cause.sentence,
      "it called socket(domain 0, type 0x0, protocol 0), system call " +
          std::to_string(SYS_socket) +
          ", which limit denied_calls = [\"ptrace\", \"socket\"] (policy.toml:7, canvas demo) "
          "does not allow");
  call.number = SYS_setns;
  EXPECT_EQ(CauseOf(call, limits).limit, "");
}

TEST(DeniedCallTest, ArgumentsAreToldWhereTheyAreHarmlessNumbers) {
  EXPECT_EQ(Told(SYS_kill, {~uint64_t{0}, 9}),
            "it called kill(pid -1, signal 9)" + Number(SYS_kill));
  EXPECT_EQ(Told(SYS_kill, {0xffffffff, 9}), "it called kill(pid -1, signal 9)" + Number(SYS_kill));
  EXPECT_EQ(Told(SYS_clone, {0x10000011, 0x7ffd12345678}),
            "it called clone(flags 0x10000011)" + Number(SYS_clone));
  EXPECT_EQ(Told(SYS_openat, {static_cast<uint64_t>(-100), 0x7ffd12345678, 0x80000}),
            "it called openat(directory -100, flags 0x80000)" + Number(SYS_openat));
  EXPECT_EQ(Told(SYS_prctl, {4, 1, 2, 3}), "it called prctl(option 4)" + Number(SYS_prctl));
}

TEST(DeniedCallTest, PointersNever) {
  const uint64_t pointer = 0x7ffd12345678;
  for (int number = 0; number < 512; ++number)
    EXPECT_EQ(Told(number, {pointer, pointer, pointer, pointer, pointer, pointer}).find("7ffd"),
              std::string::npos)
        << number;
  EXPECT_EQ(Told(SYS_execve, {pointer, pointer, pointer}), "it called execve" + Number(SYS_execve));
}

TEST(DeniedCallTest, WhatHasNoNameHasItsNumber) {
  EXPECT_EQ(Told(1023),
            "it called system call 1023, which has no name here and which its profile does not "
            "allow");
}

}  // namespace
}  // namespace nightjar
