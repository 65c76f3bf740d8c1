#include "supervisor/loop/task_thread.h"

#include <gmock/gmock.h>
#include <signal.h>

#include <future>
#include <vector>

namespace nightjar::testing {
namespace {

TEST(TaskThreadTest, RunsEverythingInOrderBeforeItEnds) {
  std::vector<int> ran;
  {
    TaskThread thread("test", 100, {});
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(thread.Add([&ran, i] { ran.push_back(i); }));
  }
  ASSERT_EQ(ran.size(), 50u);
  EXPECT_TRUE(std::is_sorted(ran.begin(), ran.end()));
}

TEST(TaskThreadTest, TakesNoSignalOfTheProcess) {
  std::promise<sigset_t> mask;
  TaskThread thread("test", 1, {});
  EXPECT_TRUE(thread.Add([&] {
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    mask.set_value(blocked);
  }));
  sigset_t blocked = mask.get_future().get();
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD})
    EXPECT_EQ(sigismember(&blocked, signal), 1) << signal;
}

TEST(TaskThreadTest, RefusesMoreThanItsBound) {
  std::promise<void> go, started;
  TaskThread thread("test", 2, {});
  EXPECT_TRUE(thread.Add([&] {
    started.set_value();
    go.get_future().wait();
  }));
  started.get_future().wait();
  EXPECT_TRUE(thread.Add([] {}));
  EXPECT_TRUE(thread.Add([] {}));
  EXPECT_FALSE(thread.Add([] {}));
  go.set_value();
}

TEST(TaskThreadTest, TicksWhenDueWithoutATask) {
  std::promise<void> ticked;
  int calls = 0;
  TaskThread thread("test", 10, [&]() -> std::optional<MonoTime> {
    if (++calls == 1) return std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
    if (calls == 2) ticked.set_value();
    return std::nullopt;
  });
  thread.Add([] {});
  ticked.get_future().wait();
}

}  // namespace
}  // namespace nightjar::testing
