#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>

#include "supervisor/proc/launcher.h"
#include "supervisor/writer/trace_index.h"
#include "tests/support/server_rig.h"

namespace nightjar::e2e {
namespace {

constexpr const char* kTight = R"([default]
wall = "6s"
[canvas.runaways]
cpu = "300ms"
memory = "48MiB"
output = "1MiB"
depth = 200
)";

struct Crime {
  const char* path;
  const char* verdict;
  const char* limit;
  int status;
};

class RunawayTest : public ::testing::TestWithParam<Crime> {};

TEST_P(RunawayTest, IsKilledAndExplained) {
  const Crime& crime = GetParam();
  Server server(kTight);
  server.DeployExample("runaways");
  Answer answer = server.Get("runaways", crime.path);
  EXPECT_EQ(answer.status, crime.status) << answer.body;
  EXPECT_EQ(answer.headers["x-nightjar-verdict"], crime.verdict) << answer.body;
  EXPECT_NE(answer.body.find(answer.trace()), std::string::npos);
  std::string incident;
  ASSERT_TRUE(Eventually([&] {
    incident = server.Json({"incident", answer.trace()});
    return incident.find("\"broken\"") != std::string::npos;
  })) << incident;
  EXPECT_NE(incident.find(std::string("limit ") + crime.limit + " = "), std::string::npos)
      << incident;
  EXPECT_NE(incident.find("policy.toml:"), std::string::npos) << incident;
  // The trace of a killed run is there too, and the canvas goes on serving.
  EXPECT_NE(server.Cli({"trace", "runaways", answer.trace()}).out.find(crime.verdict),
            std::string::npos);
  EXPECT_EQ(server.Get("runaways", "/fine").status, 200);
}

INSTANTIATE_TEST_SUITE_P(Each, RunawayTest,
                         ::testing::Values(Crime{"/recursion", "call_depth", "depth", 500},
                                           Crime{"/list", "memory", "memory", 500},
                                           Crime{"/string", "memory", "memory", 500},
                                           Crime{"/output", "output", "output", 500},
                                           Crime{"/spin", "cpu_time", "cpu", 500}),
                         [](const auto& info) { return std::string(info.param.path + 1); });

// Not in a v1 cpu group without real-time budget, for instance. A supervisor of an ordinary user is
// refused too.
bool RealTimeIsGranted() {
  int rc = -1;
  std::thread([&rc] {
    sched_param lowest{1};
    rc = sched_setscheduler(0, SCHED_FIFO, &lowest);
  }).join();
  return rc == 0 && TestedStart() == StartMode::kRoot;
}

std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::string id = std::to_string(parent);
  std::ifstream list("/proc/" + id + "/task/" + id + "/children");
  return {std::istream_iterator<pid_t>(list), {}};
}

pid_t LauncherOf(pid_t supervisor) {
  for (pid_t child : ChildrenOf(supervisor)) {
    std::ifstream arguments("/proc/" + std::to_string(child) + "/cmdline");
    std::string program, flag;
    std::getline(arguments, program, '\0');
    if (std::getline(arguments, flag, '\0') && flag == kLauncherFlag) return child;
  }
  return 0;
}

// A deadline waits for nobody's work, and neither do the making of a worker, the end of those that
// are left, and a start; and what is started gets nothing of that.
TEST(KillTest, SupervisorLauncherNestAndZygoteAloneAreRealTimeProcessesWhereRootStartedThem) {
  Server server("[default]\narmed = 1\n");
  server.DeployExample("runaways");
  EXPECT_EQ(server.Get("runaways", "/fine").status, 200);
  bool granted = RealTimeIsGranted();
  pid_t launcher = LauncherOf(server.pid());
  ASSERT_GT(launcher, 0);
  std::vector<pid_t> nest = ChildrenOf(launcher);
  ASSERT_EQ(nest.size(), 1u);
  for (pid_t one : {server.pid(), launcher, nest[0], server.HelperPid("zygote")})
    EXPECT_EQ(sched_getscheduler(one), granted ? SCHED_FIFO | SCHED_RESET_ON_FORK : SCHED_OTHER)
        << one << "\n"
        << server.log();
  EXPECT_EQ(server.log().find("real_time_refused") == std::string::npos, granted) << server.log();
  EXPECT_EQ(sched_getscheduler(server.HelperPid("writer")), SCHED_OTHER);
  // Of a worker that has not ended in the meantime.
  int workers = -1;
  EXPECT_TRUE(Eventually([&] {
    for (pid_t worker : server.Workers()) workers = std::max(workers, sched_getscheduler(worker));
    return workers >= 0;
  }));
  EXPECT_EQ(workers, SCHED_OTHER);
}

TEST(KillTest, WallTimeEndsARunThatIsStarvedOfProcessor) {
  // A twentieth of a processor: cpu time passes twenty times slower than wall time.
  Server server("[default]\nwall = \"500ms\"\ncpu = \"10s\"\ncanvas_cpus = 0.05\n");
  server.DeployExample("runaways");
  Answer answer = server.Get("runaways", "/spin");
  EXPECT_EQ(answer.status, 504) << answer.body;
  EXPECT_EQ(answer.headers["x-nightjar-verdict"], "wall_time");
  // And its incident says why so little of its time was its own, where there is a group to hold it
  // up.
  std::string incident;
  ASSERT_TRUE(Eventually([&] {
    Output shown = server.Cli({"incident", answer.trace()});
    incident = shown.out;
    return shown.exit_code == 0;
  }));
  EXPECT_EQ(incident.find("its canvas had used up its processors ") != std::string::npos,
            TestedStart() != StartMode::kUnprivileged)
      << incident;
}

TEST(KillTest, ARunawayIsStoppedSoftlyUnlessPolicySaysOtherwise) {
  Server server(
      "[default]\nwall = \"60s\"\ncpu = \"300ms\"\nsoft_stop = \"100ms\"\n"
      "[canvas.two]\nsoft_stop = \"0s\"\n[canvas.three]\nsteps = 1000\n");
  struct Case {
    const char* canvas;
    const char* verdict;
    const char* sentence;
    bool softly;
  };
  for (const Case& one :
       {Case{"one", "cpu_time", "of cpu time and was stopped softly; limit cpu = 300ms", true},
        Case{"two", "cpu_time", "of cpu time; limit cpu = 300ms", false},
        Case{"three", "steps", "took 1001 steps; limit steps = 1000 (policy.toml:8", true}}) {
    server.DeployExample("runaways", one.canvas);
    Answer answer = server.Get(one.canvas, "/spin");
    EXPECT_EQ(answer.status, 500) << answer.body;
    EXPECT_EQ(answer.headers["x-nightjar-verdict"], one.verdict);
    ASSERT_TRUE(Eventually([&] {
      return server.Cli({"incident", answer.trace()}).exit_code == 0;
    }));
    std::string incident = server.Cli({"incident", answer.trace()}).out;
    EXPECT_NE(incident.find(one.sentence), std::string::npos) << incident;
    EXPECT_EQ(incident.find("  steps ") != std::string::npos, one.softly) << incident;
    // How often its loops had gone round.
    EXPECT_NE(incident.find("List::fold  open for "), std::string::npos) << incident;
    EXPECT_NE(incident.find(", made "), std::string::npos) << incident;
  }
}

TEST(KillTest, AnIncidentHasTheOpenCallStackAndTheLastEvents) {
  Server server(kTight);
  server.DeployExample("runaways");
  Answer answer = server.Get("runaways", "/recursion");
  ASSERT_TRUE(Eventually([&] { return server.Cli({"incident", answer.trace()}).exit_code == 0; }));
  std::string incident = server.Cli({"incident", answer.trace()}).out;
  EXPECT_NE(incident.find("Open calls, outermost first (201 in all)"), std::string::npos)
      << incident;
  EXPECT_NE(incident.find("The last events"), std::string::npos);
  EXPECT_NE(incident.find("descend(200)  open for"), std::string::npos) << incident;
  EXPECT_EQ(incident.find("trace             0 B"), std::string::npos) << incident;
}

// Two runs within their own limits, and together beyond their canvas's. Killed at that limit, or in
// v2 perhaps held by the canvas's brake until their time is over.
TEST(KillTest, TheCanvasesMemoryIsToldApartFromTheRunsOwn) {
  if (TestedStart() == StartMode::kUnprivileged)
    GTEST_SKIP() << "no control group bounds a canvas's memory";
  Server server(
      "[default]\nwall = \"4s\"\nmemory = \"60MiB\"\ncanvas_memory = \"64MiB\"\narmed = 2\n"
      "[canvas.tools]\nexec = true\n");
  Output deployed = server.Deploy("tools", "[exec-handler GET /]\n/usr/bin/tail /dev/zero\n");
  ASSERT_EQ(deployed.exit_code, 0) << deployed.err;
  std::array<Answer, 2> answers;
  std::thread other([&] { answers[1] = server.Get("tools", "/"); });
  answers[0] = server.Get("tools", "/");
  other.join();
  std::string incidents;
  for (Answer& answer : answers) {
    ASSERT_TRUE(Eventually([&] {
      return server.Cli({"incident", answer.trace()}).exit_code == 0;
    }));
    std::string incident = server.Cli({"incident", answer.trace()}).out;
    EXPECT_EQ(answer.headers["x-nightjar-verdict"], "memory") << incident;
    incidents += incident;
  }
  EXPECT_NE(incidents.find("workers of its canvas, "), std::string::npos) << incidents;
  EXPECT_NE(incidents.find("limit canvas_memory = 64MiB (policy.toml:4, default)"),
            std::string::npos)
      << incidents;
}

TEST(KillTest, AnIncidentThatWasChangedInTheStoreIsTold) {
  Server server(kTight);
  server.DeployExample("runaways");
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(server.Get("runaways", "/recursion").trace());
    ASSERT_TRUE(Eventually([&] { return server.Cli({"incident", ids[i]}).exit_code == 0; }));
  }
  Output sound = server.Cli({"incidents", "--verify"});
  EXPECT_EQ(sound.exit_code, 0) << sound.out << sound.err;
  EXPECT_NE(sound.out.find("3 incidents are sound, from "), std::string::npos) << sound.out;
  const std::string before = "Head of the chain: ";
  size_t at = sound.out.find(before);
  ASSERT_NE(at, std::string::npos) << sound.out;
  std::string head = sound.out.substr(at + before.size(), 2 + 64);
  EXPECT_EQ(head.substr(0, 2), "3:");
  EXPECT_EQ(server.Cli({"incidents", "--verify", "--head", head}).exit_code, 0);
  head.back() = head.back() == '0' ? '1' : '0';
  EXPECT_EQ(server.Cli({"incidents", "--verify", "--head", head}).exit_code, 1);
  {
    auto db = Database::Open(server.state() + "/store/index.db", Durability::kLazy, "",
                             TraceIndex::kVersion);
    ASSERT_TRUE(db) << db.error().ToString();
    Status changed = (*db)->Execute(
        "UPDATE incidents SET incident = CAST(replace(CAST(incident AS TEXT), '/recursion', "
        "'/innocents') AS BLOB) WHERE link = 2");
    ASSERT_TRUE(changed) << changed.error().ToString();
  }
  Output broken = server.Cli({"incidents", "--verify"});
  EXPECT_EQ(broken.exit_code, 1);
  EXPECT_NE(broken.out.find("NOT SOUND: link 2 (incident " + ids[1]), std::string::npos)
      << broken.out;
  EXPECT_NE(broken.out.find("1 incident is sound"), std::string::npos) << broken.out;
}

TEST(KillTest, ATraceThatMayNotOverflowEndsTheRun) {
  Server server("[default]\ntrace = \"8KiB\"\ntrace_overflow = \"kill\"\n");
  server.DeployExample("api");
  EXPECT_EQ(server.Get("api", "/fib/2").status, 200);
  Answer answer = server.Get("api", "/fib/15");
  EXPECT_EQ(answer.status, 500) << answer.body;
  EXPECT_EQ(answer.headers["x-nightjar-verdict"], "trace");
  ASSERT_TRUE(Eventually([&] { return server.Cli({"incident", answer.trace()}).exit_code == 0; }));
  std::string incident = server.Cli({"incident", answer.trace()}).out;
  EXPECT_NE(incident.find("limit trace = 8KiB (policy.toml:2"), std::string::npos) << incident;
}

TEST(KillTest, AnOperatorEndsARunByItsId) {
  Server server("[default]\nwall = \"60s\"\ncpu = \"60s\"\n");
  server.DeployExample("runaways");
  Answer answer;
  std::thread caller([&] { answer = server.Get("runaways", "/spin"); });
  std::string id;
  EXPECT_TRUE(Eventually([&] {
    std::string runs = server.Json({"ps"});
    size_t at = runs.find("\"run_id\"");
    if (at == std::string::npos || runs.find("\"running\"") == std::string::npos) return false;
    size_t from = runs.find('"', runs.find(':', at)) + 1;
    id = runs.substr(from, 36);
    return true;
  }));
  EXPECT_EQ(server.Cli({"kill", id}).exit_code, 0);
  caller.join();
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.headers["x-nightjar-verdict"], "operator");
  EXPECT_EQ(server.Cli({"kill", id}).exit_code, 1);  // it is gone
}

// A worker whose interpreter was taken over: what it sends is garbage, and nobody else notices.
class BadWorkerTest : public ::testing::TestWithParam<const char*> {};

TEST_P(BadWorkerTest, DiesWithVerdictProtocol) {
  Server server(ServerOptions{.worker = TEST_ZYGOTE});
  ASSERT_TRUE(server.running()) << server.log();
  ASSERT_EQ(server.Deploy("bad", "anything").exit_code, 0);
  Answer answer = server.Get("bad", GetParam());
  EXPECT_EQ(answer.status, 500) << answer.body;
  EXPECT_EQ(answer.headers["x-nightjar-verdict"], "protocol") << server.log();
  EXPECT_EQ(server.Get("bad", "/fine").status, 200);
  EXPECT_TRUE(Eventually([&] {
    return server.Json({"incident", answer.trace()}).find("VERDICT_PROTOCOL") != std::string::npos;
  }));
}

INSTANTIATE_TEST_SUITE_P(Each, BadWorkerTest, ::testing::Values("/garbage", "/ring"),
                         [](const auto& info) { return std::string(info.param + 1); });

// And one that tries the kernel: the incident says what it tried.
struct DeniedCall {
  const char* path;
  const char* told;
};

class DeniedCallTest : public ::testing::TestWithParam<DeniedCall> {};

TEST_P(DeniedCallTest, IsNamedByItsIncident) {
  Server server(ServerOptions{.worker = TEST_ZYGOTE});
  ASSERT_TRUE(server.running()) << server.log();
  ASSERT_EQ(server.Deploy("bad", "anything").exit_code, 0);
  Answer answer = server.Get("bad", GetParam().path);
  EXPECT_EQ(answer.status, 500) << answer.body;
  EXPECT_EQ(answer.headers["x-nightjar-verdict"], "denied_syscall") << server.log();
  EXPECT_EQ(server.Get("bad", "/fine").status, 200);
  std::string incident;
  EXPECT_TRUE(Eventually([&] {
    incident = server.Json({"incident", answer.trace()});
    return incident.find("VERDICT_DENIED_SYSCALL") != std::string::npos;
  }));
  EXPECT_NE(incident.find(GetParam().told), std::string::npos) << incident;
  EXPECT_NE(incident.find("in thread "), std::string::npos) << incident;
  EXPECT_NE(incident.find("(nightjar-worker)"), std::string::npos) << incident;
}

INSTANTIATE_TEST_SUITE_P(
    Each, DeniedCallTest,
    ::testing::Values(
        DeniedCall{"/crime-ptrace", "it called ptrace(request 0, pid 0), system call "},
        DeniedCall{"/crime-socket", "it called socket(domain 2, type 0x1, protocol 0), system "},
        DeniedCall{"/crime-unshare_user", "it called unshare(flags 0x10000000), system call "}),
    [](const auto& info) { return std::string(info.param.path + strlen("/crime-")); });

TEST(KillTest, ACompilerThatMakesADeniedCallIsToldTheCall) {
  Server server(ServerOptions{.worker = TEST_ZYGOTE});
  ASSERT_TRUE(server.running()) << server.log();
  auto deployed = server.Deploy("bad", "crime");
  EXPECT_EQ(deployed.exit_code, 1);
  EXPECT_NE((deployed.out + deployed.err).find("it called ptrace(request 0, pid 0)"),
            std::string::npos)
      << deployed.out << deployed.err;
}

TEST(KillTest, ANeighbourIsServedWhileRunawaysRun) {
  Server server(kTight);
  server.DeployExample("runaways");
  server.DeployExample("api");
  std::vector<std::thread> callers;
  for (const char* path : {"/spin", "/list", "/recursion"})
    callers.emplace_back([&server, path] { server.Get("runaways", path); });
  for (int i = 0; i < 20; ++i) EXPECT_EQ(server.Get("api", "/hello").status, 200);
  for (std::thread& caller : callers) caller.join();
}

}  // namespace
}  // namespace nightjar::e2e
