// Deadlines of a supervisor whose loop is stuck: a debugger holds the loop's thread, and no other.

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "ipc/core/check.h"
#include "ipc/core/fd.h"
#include "tests/support/server_rig.h"

namespace nightjar::e2e {
namespace {

class HeldThread {
 public:
  explicit HeldThread(pid_t thread) : thread_(thread) {
    CHECK(ptrace(PTRACE_SEIZE, thread_, 0, 0) == 0);
    CHECK(ptrace(PTRACE_INTERRUPT, thread_, 0, 0) == 0);
    int status = 0;
    CHECK(waitpid(thread_, &status, __WALL) == thread_ && WIFSTOPPED(status));
  }
  ~HeldThread() { CHECK(ptrace(PTRACE_DETACH, thread_, 0, 0) == 0); }

 private:
  const pid_t thread_;
};

TEST(GuardTest, ADeadlineIsKeptWhileTheLoopIsStuck) {
  if (TestedStart() == StartMode::kUnprivileged)
    GTEST_SKIP() << "no control group that could be killed: the worker's own timer stands";
  Server server("[default]\nwall = \"3s\"\ncpu = \"60s\"\nsoft_stop = \"0s\"\narmed = 0\n");
  server.DeployExample("runaways");
  Answer answer;
  std::thread caller([&] { answer = server.Get("runaways", "/spin"); });
  EXPECT_TRUE(
      Eventually([&] { return server.Json({"ps"}).find("\"running\"") != std::string::npos; }));
  std::vector<pid_t> workers = server.Workers();
  ASSERT_EQ(workers.size(), 1u);
  Fd worker(static_cast<int>(syscall(SYS_pidfd_open, workers[0], 0)));
  ASSERT_TRUE(worker.valid());
  {
    HeldThread loop(server.pid());
    pollfd gone{worker.get(), POLLIN, 0};
    // Far below the worker's own timer, which is at twice the limit and a second more.
    EXPECT_EQ(poll(&gone, 1, 3'900), 1) << server.log();
  }
  caller.join();
  EXPECT_EQ(answer.headers["x-nightjar-verdict"], "wall_time") << answer.body;
  EXPECT_NE(server.log().find("event=killed_by_the_guard"), std::string::npos) << server.log();
  std::string incident;
  EXPECT_TRUE(Eventually([&] {
    incident = server.Cli({"incident", answer.trace()}).out;
    return incident.find("by the guard, as the supervisor's loop was late") != std::string::npos;
  })) << incident;
  Output metrics = server.Cli({"metrics"});
  EXPECT_NE(metrics.out.find("\nnightjar_guard_kills_total 1\n"), std::string::npos) << metrics.out;
  EXPECT_NE(metrics.out.find("nightjar_runs_ended_total{verdict=\"wall_time\"} 1\n"),
            std::string::npos)
      << metrics.out;
}

}  // namespace
}  // namespace nightjar::e2e
