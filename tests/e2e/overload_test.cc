// A canvas whose every request is a runaway, at more than it may have: it is refused early and told
// when to come back, killed for the rest, and nobody else is touched.

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/support/server_rig.h"

namespace nightjar::e2e {
namespace {

constexpr const char* kPolicy = R"([default]
armed = 1
[canvas.runaways]
wall = "200ms"
cpu = "20ms"
soft_stop = "0s"
concurrency = 3
queue = 3
queue_time = "300ms"
)";

size_t ResidentKib(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; status >> word;)
    if (word == "VmRSS:") {
      size_t kib = 0;
      status >> kib;
      return kib;
    }
  return 0;
}

class Storm {
 public:
  explicit Storm(Server& server) : server_(server) {
    for (int i = 0; i < 12; ++i) callers_.emplace_back([this] { Call(); });
  }
  ~Storm() { End(); }
  void End() {
    over_ = true;
    for (std::thread& caller : callers_) caller.join();
    callers_.clear();
  }
  size_t answers() {
    std::lock_guard lock(mutex_);
    size_t sum = 0;
    for (const auto& [what, count] : told_) sum += count;
    return sum;
  }
  size_t Count(const std::string& verdict) {
    std::lock_guard lock(mutex_);
    return told_[verdict];
  }

 private:
  void Call() {
    while (!over_) {
      Answer answer = server_.Get("runaways", "/spin");
      std::string verdict = answer.headers["x-nightjar-verdict"];
      EXPECT_TRUE(verdict == "cpu_time" || verdict == "wall_time" || verdict == "refused")
          << answer.status << " " << answer.body;
      // Whoever is refused is told when to come back.
      EXPECT_EQ(answer.headers.count("retry-after"), verdict == "refused" ? 1u : 0u);
      if (verdict == "refused") {
        EXPECT_EQ(answer.status, 503);
      }
      std::lock_guard lock(mutex_);
      ++told_[verdict];
    }
  }

  Server& server_;
  std::atomic<bool> over_ = false;
  std::mutex mutex_;
  std::map<std::string, size_t> told_;
  std::vector<std::thread> callers_;
};

TEST(OverloadTest, AStormOfRunawaysIsRefusedAndKilledAndNobodyElseIs) {
  Server server(kPolicy);
  server.DeployExample("runaways");
  server.DeployExample("api");
  Storm storm(server);
  size_t after_some = 0;
  for (int i = 0; i < 300 || storm.answers() < 300; ++i) {
    Answer answer = server.Get("api", "/hello");
    EXPECT_EQ(answer.status, 200) << answer.body;
    if (after_some == 0 && storm.answers() > 100) after_some = ResidentKib(server.pid());
  }
  size_t after_all = ResidentKib(server.pid());
  storm.End();
  EXPECT_GT(storm.Count("cpu_time") + storm.Count("wall_time"), 0u);
  EXPECT_GT(storm.Count("refused"), 0u);
  // What the supervisor holds does not grow with what it has refused and killed.
  EXPECT_GT(after_some, 0u);
  EXPECT_LT(after_all, after_some + 8 * 1024);
  EXPECT_TRUE(Eventually([&] { return server.Workers().size() <= 2; }));  // the two that are armed
}

}  // namespace
}  // namespace nightjar::e2e
