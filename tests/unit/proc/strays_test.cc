#include "supervisor/proc/strays.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace nightjar {
namespace {

// Dead, and not reaped.
pid_t DeadChild() {
  pid_t child = fork();
  if (child == 0) _exit(0);
  siginfo_t info{};
  EXPECT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  return child;
}

TEST(StraysTest, ReapsWhatThreeLooksFindDead) {
  Strays strays;
  EXPECT_FALSE(strays.Look()) << "without any child";
  pid_t child = DeadChild();
  EXPECT_FALSE(strays.Look());
  EXPECT_FALSE(strays.Look());
  EXPECT_TRUE(strays.Look());
  EXPECT_EQ(waitpid(child, nullptr, WNOHANG), -1);
  EXPECT_FALSE(strays.Look());
}

TEST(StraysTest, LeavesToOthersWhatTheyReapInTime) {
  Strays strays;
  for (int i = 0; i < 5; ++i) {
    pid_t child = DeadChild();
    EXPECT_FALSE(strays.Look());
    EXPECT_FALSE(strays.Look());
    EXPECT_EQ(waitpid(child, nullptr, WNOHANG), child);
  }
  EXPECT_FALSE(strays.Look());
}

TEST(StraysTest, ReapsOneAfterTheOther) {
  Strays strays;
  DeadChild();
  DeadChild();
  int reaped = 0;
  for (int i = 0; i < 6; ++i) reaped += strays.Look();
  EXPECT_EQ(reaped, 2);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
}

}  // namespace
}  // namespace nightjar
