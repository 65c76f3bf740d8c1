// What canvases use, against what the kernel and the traces say; and quotas of a day, whoever is
// killed.

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <thread>

#include "ipc/core/check.h"
#include "ipc/proto/control.pb.h"
#include "tests/support/server_rig.h"

namespace nightjar::e2e {
namespace {

using ::testing::HasSubstr;

constexpr const char* kHello = "[http-handler GET /hello]\n\"hello\"\n";

template <typename Message>
Message Parsed(const std::string& json) {
  Message message;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &message).ok()) << json;
  return message;
}

proto::UsageCounters Used(Server& server, const std::string& canvas) {
  return Parsed<proto::UsageList>(server.Json({"usage", canvas})).sum();
}

uint64_t Runs(const proto::UsageCounters& used) {
  uint64_t runs = 0;
  for (const auto& [verdict, count] : used.runs()) runs += count;
  return runs;
}

// The canvas's own counter, where a control group has one.
std::optional<uint64_t> KernelCpu(const Server& server, const std::string& canvas) {
  for (const char* tree : {"/sys/fs/cgroup/unified/", "/sys/fs/cgroup/"}) {
    std::ifstream file(tree + server.group() + "/canvas-" + canvas + "/cpu.stat");
    std::string word;
    for (uint64_t value = 0; file >> word >> value;)
      if (word == "usage_usec") return value;
  }
  return std::nullopt;
}

// A day that ends in the middle of a test gives back what it has used.
void BeAwayFromMidnight() {
  using namespace std::chrono;
  auto away = [] { return system_clock::now() + 60s < ceil<days>(system_clock::now()); };
  while (!Eventually(away)) {
  }
}

TEST(UsageTest, IsTheKernelsSumAndHasTheTracesRuns) {
  Server server(
      "[default]\nwall = \"20s\"\ncpu = \"60ms\"\nsoft_stop = \"0s\"\narmed = 2\n"
      "concurrency = 3\n");
  server.DeployExample("runaways");
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i)
    callers.emplace_back([&] {
      for (int round = 0; round < 6; ++round) {
        server.Get("runaways", "/spin");
        server.Get("runaways", "/fine");
      }
    });
  // Its deaths change nothing.
  kill(server.HelperPid("writer"), SIGKILL);
  for (std::thread& caller : callers) caller.join();

  std::map<std::string, uint64_t> rows;
  uint64_t cpu_of_runs = 0;
  ASSERT_TRUE(Eventually([&] {
    rows.clear();
    cpu_of_runs = 0;
    auto list = Parsed<proto::TraceList>(server.Json({"traces", "runaways", "-n", "1000"}));
    for (const auto& row : list.traces()) {
      ++rows[row.verdict() == proto::VERDICT_FINISHED ? "finished" : "cpu_time"];
      cpu_of_runs += row.usage().cpu_us();
    }
    return list.traces_size() == 36;
  }));
  proto::UsageCounters used = Used(server, "runaways");
  auto after = KernelCpu(server, "runaways");
  EXPECT_EQ((std::map<std::string, uint64_t>(used.runs().begin(), used.runs().end())), rows);
  EXPECT_EQ(rows["cpu_time"], 18u);
  EXPECT_GT(used.memory_kib_ms(), 0u);
  EXPECT_GT(used.response_bytes(), 0u);
  EXPECT_GT(used.stored_bytes(), 0u);
  if (!after) {
    EXPECT_EQ(used.cpu_us(), cpu_of_runs);
    return;
  }
  // Workers that are armed meanwhile are between the two looks.
  EXPECT_GE(static_cast<double>(used.cpu_us()), 0.99 * static_cast<double>(cpu_of_runs));
  EXPECT_LE(static_cast<double>(used.cpu_us()), 1.01 * static_cast<double>(*after));
  // Nobody works any more: now they are the same.
  EXPECT_TRUE(Eventually([&] {
    const auto kernel = static_cast<double>(KernelCpu(server, "runaways").value_or(0));
    const auto told = static_cast<double>(Used(server, "runaways").cpu_us());
    return told >= 0.99 * kernel && told <= 1.01 * kernel;
  })) << Used(server, "runaways").cpu_us()
      << " and the kernel's " << KernelCpu(server, "runaways").value_or(0);
  EXPECT_GE(*after, 18 * 55'000u);
}

// Some have ended a moment ago, some go on: each has its row, and its place in the sum.
TEST(UsageTest, ASupervisorsDeathLosesNoRun) {
  Server server("[default]\ncpu = \"20s\"\nwall = \"20s\"\n");
  server.DeployExample("runaways");
  std::map<std::string, uint64_t> rows, used;
  for (int turn = 0; turn < 3; ++turn) {
    std::thread spinning([&] { server.Get("runaways", "/spin"); });
    EXPECT_TRUE(Eventually([&] {
      return server.Control("GET", "/runs").body.find("\"running\"") != std::string::npos;
    }));
    for (int i = 0; i < 4; ++i) EXPECT_EQ(server.Get("runaways", "/fine").status, 200);
    server.Kill(SIGKILL);
    spinning.join();
    server.Restart();
    ASSERT_TRUE(server.running()) << server.log();
    // What was counted is not counted again.
    if (turn != 1) continue;
    const pid_t writer = server.HelperPid("writer");
    kill(writer, SIGKILL);
    // Of runs that end while there is no writer, a supervisor that is killed takes along the count.
    ASSERT_TRUE(Eventually([&] {
      return server.HelperPid("writer") != writer &&
             server.Cli({"metrics"}).out.find("nightjar_writer_connected 1\n") != std::string::npos;
    }));
  }
  EXPECT_TRUE(Eventually([&] {
    rows.clear();
    auto list = Parsed<proto::TraceList>(server.Json({"traces", "runaways", "-n", "1000"}));
    for (const auto& row : list.traces())
      ++rows[row.verdict() == proto::VERDICT_FINISHED ? "finished" : "supervisor_lost"];
    const proto::UsageCounters sum = Used(server, "runaways");
    used = {sum.runs().begin(), sum.runs().end()};
    return list.traces_size() == 15 && used == rows;
  })) << ::testing::PrintToString(rows)
      << ::testing::PrintToString(used);
  EXPECT_EQ(rows["finished"], 12u);
  EXPECT_EQ(rows["supervisor_lost"], 3u);
}

TEST(UsageTest, AStopLosesNothing) {
  Server server;
  server.Deploy("one", kHello);
  for (int i = 0; i < 5; ++i) server.Get("one", "/hello");
  EXPECT_EQ(server.Stop(), 0);
  server.Restart();
  EXPECT_EQ(Runs(Used(server, "one")), 5u);
  std::string table = server.Cli({"usage", "--since", "1h"}).out;
  EXPECT_THAT(table, HasSubstr("one"));
  EXPECT_THAT(table, HasSubstr("in all"));
  EXPECT_EQ(server.Cli({"usage", "--by", "week"}).exit_code, 2);
  EXPECT_EQ(server.Control("GET", "/usage?since=yesterday").status, 400);
}

class QuotaTest : public ::testing::Test {
 protected:
  QuotaTest() { BeAwayFromMidnight(); }
  // What has been told is what survives.
  static void KillBoth(Server& server) {
    Used(server, "one");
    pid_t writer = server.HelperPid("writer");
    server.Kill(SIGKILL);
    kill(writer, SIGKILL);
    server.Restart();
    ASSERT_TRUE(server.running()) << server.log();
  }
};

TEST_F(QuotaTest, OfRunsHoldsWhoeverIsKilled) {
  Server server("[canvas.one]\nquota_runs = 5\n");
  server.Deploy("one", kHello);
  server.Deploy("two", kHello);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(server.Get("one", "/hello").status, 200);
  KillBoth(server);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(server.Get("one", "/hello").status, 200);
  for (int turn = 0; turn < 3; ++turn) {
    Answer refused = server.Get("one", "/hello");
    EXPECT_EQ(refused.status, 429) << turn;
    EXPECT_EQ(refused.headers["x-nightjar-verdict"], "refused");
    const int64_t wait = std::stoll(refused.headers["retry-after"]);
    EXPECT_GT(wait, 0);
    EXPECT_LE(wait, 86'400);
    ASSERT_TRUE(Eventually([&] {
      return server.Cli({"incident", refused.trace()}).out.find("quota_runs = 5 allows (") !=
             std::string::npos;
    })) << server.Cli({"incident", refused.trace()}).out;
    EXPECT_EQ(server.Get("two", "/hello").status, 200);
    if (turn == 0) kill(server.HelperPid("writer"), SIGKILL);
    if (turn == 1) KillBoth(server);
  }
  EXPECT_EQ(Runs(Used(server, "one")), 5u);
}

TEST_F(QuotaTest, OfProcessorTimeIsTheCanvassAsAWhole) {
  Server server(
      "[canvas.runaways]\nquota_cpu = \"400ms\"\ncpu = \"100ms\"\nsoft_stop = \"0s\"\narmed = 0\n");
  server.DeployExample("runaways");
  Answer last;
  int runs = 0;
  ASSERT_TRUE(Eventually([&] {
    last = server.Get("runaways", "/spin");
    ++runs;
    return last.status == 429;
  }));
  EXPECT_GE(Used(server, "runaways").cpu_us(), 400'000u);
  // Use is counted once a second.
  EXPECT_LE(runs, 20);
  EXPECT_THAT(server.Cli({"incident", last.trace()}).out, HasSubstr("quota_cpu = 400ms allows ("));
  // With more of it, it goes on.
  EXPECT_EQ(server.Get("runaways", "/fine").status, 429);
}

TEST_F(QuotaTest, OfWhatIsSentOutOutlivesTheSupervisor) {
  Server server("[canvas.one]\nquota_egress = \"20B\"\n");
  ASSERT_EQ(server.Deploy("one", kHello).exit_code, 0);
  Answer last;
  uint64_t sent = 0;
  for (int i = 0; i < 100 && last.status != 429; ++i) {
    last = server.Get("one", "/hello");
    if (last.status == 200) sent += last.body.size();
  }
  ASSERT_EQ(last.status, 429);
  EXPECT_GE(sent, 20u);
  EXPECT_LT(sent, 30u);
  EXPECT_FALSE(last.headers["retry-after"].empty());
  EXPECT_THAT(server.Cli({"incident", last.trace()}).out, HasSubstr("quota_egress = 20B allows ("));
  EXPECT_EQ(server.Stop(), 0);
  server.Restart();
  EXPECT_EQ(server.Get("one", "/hello").status, 429);
}

TEST(MetricsTest, PromtoolTakesTheRealOnesAndTheExamplesAskForNoOthers) {
  Server server("[canvas.one]\nsuspended = true\n");
  server.Deploy("one", kHello);
  server.Deploy("two", kHello);
  EXPECT_EQ(server.Get("one", "/hello").status, 503);
  EXPECT_EQ(server.Get("two", "/hello").status, 200);
  const std::string text = "\n" + server.Cli({"metrics"}).out;
  EXPECT_THAT(text, HasSubstr("nightjar_canvas_refused_total{canvas=\"one\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("nightjar_canvas_runs_total{canvas=\"two\",ended=\"finished\"} 1\n"));
  Output judged = RunProgram({"/usr/bin/promtool", "check", "metrics"}, text.substr(1));
  EXPECT_EQ(judged.exit_code, 0) << judged.out << judged.err;
  std::set<std::string> names;
  for (const char* path : {"/grafana/nightjar.json", "/prometheus/alerts.yml"}) {
    std::ifstream file(NIGHTJAR_EXAMPLES + std::string(path));
    ASSERT_TRUE(file.good()) << path;
    const std::string example{std::istreambuf_iterator<char>(file), {}};
    const std::regex name("nightjar_[a-z_]+");
    for (std::sregex_iterator at(example.begin(), example.end(), name), end; at != end; ++at)
      names.insert(at->str());
  }
  EXPECT_GT(names.size(), 15u);
  for (const std::string& name : names) {
    // Those are there with --store alone: tests/unit/metrics.
    if (name.starts_with("nightjar_store_")) continue;
    EXPECT_TRUE(text.find("\n" + name + "{") != text.npos ||
                text.find("\n" + name + " ") != text.npos)
        << name;
  }
}

}  // namespace
}  // namespace nightjar::e2e
