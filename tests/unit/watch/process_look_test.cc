// What may be seen of processes from outside, of real ones.
#include "supervisor/watch/process_look.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "ipc/core/bounds.h"

namespace nightjar {
namespace {

using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;

// A process that waits, having said that it does; killed and reaped at the end.
class Waiting {
 public:
  explicit Waiting(const std::vector<std::string>& words) {
    int told[2], heard[2];
    EXPECT_EQ(pipe2(told, O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(heard, O_CLOEXEC), 0);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(heard[0], STDIN_FILENO);
      dup2(told[1], STDOUT_FILENO);
      std::vector<char*> argv;
      for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
      argv.push_back(nullptr);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(told[1]);
    char byte;
    EXPECT_EQ(read(told[0], &byte, 1), 1);
    close(told[0]);
    close(heard[0]);
    silence_ = heard[1];
  }
  ~Waiting() {
    close(silence_);
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  int pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int silence_ = -1;  // its standard input, on which nothing comes
};

// A moment that never passes, and one that has.
class StoppedClock final : public Clock {
 public:
  explicit StoppedClock(Nanos step = Nanos(0)) : step_(step) {}
  MonoTime Mono() const override { return now_ += step_; }
  WallTime Wall() const override { return {}; }

 private:
  const Nanos step_;
  mutable MonoTime now_{};
};

TEST(ProcessLookTest, TellsWhoIsThereAndWhatTheyWereStartedAs) {
  Waiting shell({"/bin/sh", "-c", "echo x; read line", "a word", "two\nlines"});
  ProcessLook look = LookAtProcesses({shell.pid()}, StoppedClock());
  ASSERT_EQ(look.processes.size(), 1u);
  EXPECT_EQ(look.in_all, 1u);
  const proto::ProcessSeen& seen = look.processes[0];
  EXPECT_EQ(seen.pid(), shell.pid());
  EXPECT_EQ(seen.parent(), getpid());
  EXPECT_EQ(seen.name(), "sh");
  EXPECT_EQ(seen.command(), "/bin/sh -c echo x; read line a word two\nlines");
  EXPECT_EQ(seen.threads_in_all(), 1u);
  EXPECT_NE(seen.state(), "");
}

TEST(ProcessLookTest, ThreadsAreTold) {
  std::vector<std::jthread> threads;
  int held[2];
  ASSERT_EQ(pipe(held), 0);
  std::atomic<int> named = 0;
  for (int i = 0; i < 6; ++i)
    threads.emplace_back([&] {
      prctl(PR_SET_NAME, "a thread");
      ++named;
      named.notify_all();
      char byte;
      EXPECT_EQ(read(held[0], &byte, 1), 0);
    });
  for (int seen = 0; (seen = named) < 6;) named.wait(seen);
  ProcessLook look = LookAtProcesses({getpid()}, StoppedClock());
  ASSERT_EQ(look.processes.size(), 1u);
  EXPECT_GE(look.processes[0].threads_in_all(), 7u);
  ASSERT_EQ(static_cast<size_t>(look.processes[0].threads_size()), bounds::kThreadsShown);
  // A sanitizer has threads of its own in here.
  std::vector<std::string> names;
  for (const proto::ThreadSeen& thread : look.processes[0].threads())
    names.push_back(thread.name());
  EXPECT_THAT(names, Contains("a thread"));
  close(held[1]);
  threads.clear();
  close(held[0]);
}

TEST(ProcessLookTest, ALongCommandIsReadInPartAndBytesThatAreNoTextAreMarked) {
  Waiting shell({"/bin/sh", "-c", "echo x; read line", std::string("\xff\xc3") + "end",
                 std::string(5000, 'x')});
  ProcessLook look = LookAtProcesses({shell.pid()}, StoppedClock());
  ASSERT_EQ(look.processes.size(), 1u);
  EXPECT_EQ(look.processes[0].command().size(), bounds::kCommandReadBytes);
  EXPECT_THAT(look.processes[0].command(), HasSubstr("??end xxx"));
}

TEST(ProcessLookTest, ParentsComeBeforeTheirChildren) {
  Waiting shell({"/bin/sh", "-c", "sh -c 'echo x; read line; true'; true"});
  auto children = [&] {
    std::vector<int> found;
    std::string path = "/proc/" + std::to_string(shell.pid()) + "/task/" +
                       std::to_string(shell.pid()) + "/children";
    FILE* file = fopen(path.c_str(), "re");
    for (int pid; fscanf(file, "%d", &pid) == 1;) found.push_back(pid);
    fclose(file);
    return found;
  }();
  ASSERT_EQ(children.size(), 1u);
  ProcessLook look = LookAtProcesses({children[0], getpid(), shell.pid()}, StoppedClock());
  ASSERT_EQ(look.processes.size(), 3u);
  EXPECT_EQ(look.processes[0].pid(), getpid());
  EXPECT_EQ(look.processes[1].pid(), shell.pid());
  EXPECT_EQ(look.processes[2].pid(), children[0]);
}

TEST(ProcessLookTest, WhoIsGoneIsNoMatter) {
  pid_t gone = fork();
  if (gone == 0) _exit(0);
  waitpid(gone, nullptr, 0);
  ProcessLook look = LookAtProcesses({gone}, StoppedClock());
  EXPECT_TRUE(look.processes.empty());
  EXPECT_EQ(look.in_all, 1u);
}

TEST(ProcessLookTest, IsBoundedInNumberAndInTime) {
  std::vector<int> many(1000, getpid());
  ProcessLook look = LookAtProcesses(many, StoppedClock());
  EXPECT_EQ(look.processes.size(), bounds::kProcessesShown);
  EXPECT_EQ(look.in_all, 1000u);
  look = LookAtProcesses(many, StoppedClock(Nanos(bounds::kProcessLookTime) / 4));
  EXPECT_LE(look.processes.size(), 4u);
  ASSERT_FALSE(look.left_out.empty());
  EXPECT_THAT(look.left_out[0], EndsWith("does not wait longer than 2 ms for a look"));
}

// Another user's: the kernel says "0", which is no place to wait in.
TEST(ProcessLookTest, WhatTheKernelDoesNotTellIsSaidToBeMissing) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  Waiting shell({"/bin/sh", "-c", "echo x; read line"});
  while (LookAtProcesses({shell.pid()}, StoppedClock()).processes.at(0).state() != "S")
    sched_yield();  // it has spoken and is about to listen
  pid_t stranger = fork();
  if (stranger == 0) {
    if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0) _exit(2);
    ProcessLook look = LookAtProcesses({shell.pid()}, StoppedClock());
    bool honest = look.processes.size() == 1 && look.processes[0].waits_in().empty() &&
                  look.processes[0].command().starts_with("/bin/sh") && look.left_out.size() == 1 &&
                  look.left_out[0].starts_with("wait channels: ");
    _exit(honest ? 0 : 1);
  }
  int status = -1;
  waitpid(stranger, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace nightjar
