// The whole supervisor on a host with v1 control groups alone: no birth into a cell, no
// cgroup.kill, no word when a cell is empty. A runaway, a fork bomb and a run without memory are
// ended and explained all the same, and nothing is left.
#include "tests/support/v1_alone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "supervisor/cell/hierarchies.h"
#include "tests/support/server_rig.h"

namespace nightjar::e2e {
namespace {

using ::testing::HasSubstr;

constexpr const char* kPolicy =
    "[default]\nwall = \"6s\"\ncpu = \"300ms\"\nsoft_stop = \"0s\"\npids = 24\n"
    "[canvas.tools]\nexec = true\nmemory = \"48MiB\"\ncpu = \"4s\"\n";

class V1AloneTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (TestedStart() == StartMode::kUnprivileged) GTEST_SKIP() << "no control group is delegated";
    auto found = FindHierarchies();
    ASSERT_TRUE(found);
    if (found->memory.home != ControllerHome::kV1 || found->pids.home != ControllerHome::kV1)
      GTEST_SKIP() << "no v1 controllers on this host: " << found->Describe();
    server_.emplace(ServerOptions{.policy = kPolicy, .before_exec = [mount = found->unified_mount] {
                                    if (!mount.empty() && !LeaveV1Alone(mount)) _exit(126);
                                  }});
    ASSERT_TRUE(server_->running()) << server_->log();
    ASSERT_THAT(server_->log(), HasSubstr("v1 alone: memory, pids"));
  }
  void TearDown() override {
    if (!server_) return;
    EXPECT_TRUE(Eventually([this] { return NobodyRuns(); }));
    EXPECT_EQ(server_->Stop(), 0) << server_->log();
    EXPECT_EQ(server_->Cells(), 0u);
    EXPECT_EQ(server_->log().find("quarantine"), std::string::npos) << server_->log();
    EXPECT_EQ(server_->log().find("kill_step_failed"), std::string::npos) << server_->log();
  }

  // What waits for the next run may stay.
  bool NobodyRuns() { return server_->Json({"ps"}).find("\"run_id\"") == std::string::npos; }
  void DeployShell(const std::string& script) {
    Output deployed =
        server_->Deploy("tools", "[exec-handler GET /]\n/bin/sh -c '" + script + "'\n");
    ASSERT_EQ(deployed.exit_code, 0) << deployed.err;
  }
  void ExpectVerdict(const Answer& answer, const std::string& verdict,
                     const std::string& sentence) {
    Answer copy = answer;
    EXPECT_EQ(copy.headers["x-nightjar-verdict"], verdict) << answer.body;
    EXPECT_TRUE(Eventually([&] {
      return server_->Cli({"incident", answer.trace()}).exit_code == 0;
    }));
    EXPECT_THAT(server_->Cli({"incident", answer.trace()}).out, HasSubstr(sentence));
  }

  std::optional<Server> server_;
};

TEST_F(V1AloneTest, ARunawayIsKilledHard) {
  server_->DeployExample("runaways");
  ExpectVerdict(server_->Get("runaways", "/spin"), "cpu_time", "limit cpu = 300ms");
  EXPECT_EQ(server_->Get("runaways", "/fine").status, 200);
}

TEST_F(V1AloneTest, AForkBombIsEndedToItsLastProcess) {
  DeployShell("while :; do sleep 1000 & done");
  ExpectVerdict(server_->Get("tools", "/"), "pids", "tried to start more processes");
  EXPECT_TRUE(Eventually([this] { return server_->Workers().size() <= 2; }));  // the armed ones
}

TEST_F(V1AloneTest, ARunWithoutMemoryIsExplained) {
  DeployShell("exec tail /dev/zero");
  ExpectVerdict(server_->Get("tools", "/"), "memory", "limit memory = 48MiB");
}

TEST_F(V1AloneTest, AnOperatorsKillReachesWhatIgnoresEverySignal) {
  DeployShell("trap \"\" TERM INT HUP; (trap \"\" TERM; while :; do :; done) & sleep 1000");
  Answer answer;
  std::thread caller([&] { answer = server_->Get("tools", "/"); });
  std::string id;
  EXPECT_TRUE(Eventually([&] {
    std::string runs = server_->Json({"ps"});
    size_t at = runs.find("\"run_id\"");
    if (at == std::string::npos || server_->Workers().size() < 3) return false;
    id = runs.substr(runs.find('"', runs.find(':', at)) + 1, 36);
    return true;
  }));
  EXPECT_EQ(server_->Cli({"kill", id}).exit_code, 0);
  caller.join();
  EXPECT_EQ(answer.headers["x-nightjar-verdict"], "operator") << answer.body;
}

TEST_F(V1AloneTest, ASupervisorThatWasKilledLeavesCellsThatTheNextClears) {
  DeployShell("while :; do :; done & sleep 1000");
  std::thread caller([&] { (void)server_->Get("tools", "/"); });
  EXPECT_TRUE(Eventually([&] { return server_->Workers().size() >= 3; }));
  server_->Kill(SIGKILL);
  caller.join();
  server_->Restart();
  ASSERT_TRUE(server_->running()) << server_->log();
  DeployShell("echo again");
  EXPECT_EQ(server_->Get("tools", "/").body, "again\n");
}

TEST_F(V1AloneTest, TheDoctorSaysWhatIsLess) {
  Output doctor = server_->Cli({"doctor"});
  EXPECT_THAT(doctor.out, HasSubstr("v1 alone"));
  EXPECT_THAT(doctor.out, HasSubstr("degraded  cgroup-kill: v1 kills no group"));
  EXPECT_THAT(doctor.out, HasSubstr("degraded  cgroup-clone: "));
}

}  // namespace
}  // namespace nightjar::e2e
