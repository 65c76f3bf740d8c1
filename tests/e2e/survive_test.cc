#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "tests/support/server_rig.h"

namespace nightjar::e2e {
namespace {

constexpr const char* kHello = "[http-handler GET /hello]\n\"hello\"\n";

TEST(SurviveTest, AWriterThatDiesIsReplacedAndLosesNoTrace) {
  Server server;
  server.Deploy("one", kHello);
  pid_t first = server.HelperPid("writer");
  kill(first, SIGKILL);
  Answer answer = server.Get("one", "/hello");  // nobody waits for storage
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(Eventually([&] { return server.HelperPid("writer") != first; }));
  EXPECT_TRUE(Eventually([&] {
    return server.Json({"traces", "one"}).find(answer.trace()) != std::string::npos;
  })) << server.log();
}

TEST(SurviveTest, AZygoteThatDiesIsReplaced) {
  Server server("[default]\narmed = 1\n");
  server.Deploy("one", kHello);
  EXPECT_EQ(server.Get("one", "/hello").status, 200);
  pid_t first = server.HelperPid("zygote");
  kill(first, SIGKILL);
  EXPECT_TRUE(Eventually([&] { return server.HelperPid("zygote") != first; }));
  EXPECT_TRUE(Eventually([&] { return server.Get("one", "/hello").status == 200; }))
      << server.log();
}

TEST(SurviveTest, NoWorkerOutlivesASupervisorThatIsKilled) {
  Server server("[default]\nwall = \"60s\"\ncpu = \"60s\"\n");
  server.DeployExample("runaways");
  std::thread caller([&] { server.Get("runaways", "/spin"); });
  EXPECT_TRUE(
      Eventually([&] { return server.Json({"ps"}).find("\"running\"") != std::string::npos; }));
  server.Kill(SIGKILL);
  caller.join();
  EXPECT_TRUE(Eventually([&] { return server.Workers().empty(); }));
  // The run is accounted for: the writer sealed it when its socket ended.
  server.Restart();
  ASSERT_TRUE(server.running()) << server.log();
  EXPECT_TRUE(Eventually([&] {
    return server.Json({"traces", "runaways"}).find("VERDICT_SUPERVISOR_LOST") != std::string::npos;
  })) << server.Json({"traces", "runaways"});
  // With all of it: the next supervisor lets the writer of the last one finish.
  EXPECT_EQ(server.Json({"traces", "runaways"}).find("its events were lost"), std::string::npos);
  EXPECT_EQ(server.Get("runaways", "/fine").status, 200);
}

// Neither of the two who know of the runs is left: what they had not stored is in the ledger.
TEST(SurviveTest, TheSupervisorAndTheWriterKilledAtOnceLoseNoRun) {
  Server server("[default]\nwall = \"60s\"\ncpu = \"60s\"\n");
  server.DeployExample("runaways");
  std::thread caller([&] { server.Get("runaways", "/spin"); });
  EXPECT_TRUE(
      Eventually([&] { return server.Json({"ps"}).find("\"running\"") != std::string::npos; }));
  pid_t writer = server.HelperPid("writer");
  kill(writer, SIGSTOP);  // from here on it hears of nothing
  Answer answer = server.Get("runaways", "/fine");
  EXPECT_EQ(answer.status, 200);
  kill(writer, SIGKILL);
  server.Kill(SIGKILL);
  caller.join();
  server.Restart();
  ASSERT_TRUE(server.running()) << server.log();
  EXPECT_TRUE(Eventually([&] {
    std::string traces = server.Json({"traces", "runaways"});
    return traces.find("VERDICT_SUPERVISOR_LOST") != std::string::npos &&
           traces.find(answer.trace()) != std::string::npos;
  })) << server.Json({"traces", "runaways"});
  EXPECT_EQ(server.Cli({"incidents", "--verify"}).exit_code, 0);
}

// It is in the socket of a writer that does not read, and the answer is out.
TEST(SurviveTest, AnAnswerThatWasGivenIsNotKeptAsLost) {
  Server server;
  server.Deploy("one", kHello);
  kill(server.HelperPid("writer"), SIGSTOP);
  std::vector<std::string> told;
  for (int i = 0; i < 400; ++i) told.push_back(server.Get("one", "/hello").trace());
  kill(server.HelperPid("writer"), SIGCONT);
  server.Kill(SIGKILL);
  server.Restart();
  ASSERT_TRUE(server.running()) << server.log();
  EXPECT_TRUE(Eventually([&] {
    std::string traces = server.Json({"traces", "one", "-n", "1000"});
    return std::all_of(told.begin(), told.end(), [&](const std::string& run) {
      return traces.find(run) != std::string::npos;
    });
  }));
  EXPECT_EQ(server.Json({"traces", "one", "-n", "1000"}).find("SUPERVISOR_LOST"),
            std::string::npos);
}

TEST(SurviveTest, ARequestThatComesWhileTheZygoteIsAwayWaitsForTheNextOne) {
  Server server("[default]\narmed = 0\nqueue_time = \"20s\"\n");
  server.Deploy("one", kHello);
  for (int i = 0; i < 5; ++i) {
    kill(server.HelperPid("zygote"), SIGKILL);
    EXPECT_EQ(server.Get("one", "/hello").status, 200) << server.log();
  }
}

// Up to its very last moment: whoever asks cannot know how far it is.
TEST(SurviveTest, AskedToStopAgainAndAgainItEndsInOrder) {
  Server server;
  server.Deploy("one", kHello);
  siginfo_t ended{};
  while (ended.si_pid == 0) {
    kill(server.pid(), SIGTERM);
    ASSERT_EQ(waitid(P_PID, static_cast<id_t>(server.pid()), &ended, WEXITED | WNOHANG | WNOWAIT),
              0);
  }
  EXPECT_EQ(server.Stop(), 0) << server.log();
}

TEST(SurviveTest, SigtermLetsARunInFlightFinish) {
  Server server("[default]\nwall = \"30s\"\ncpu = \"500ms\"\n");
  server.DeployExample("runaways");
  Answer answer;
  std::thread caller([&] { answer = server.Get("runaways", "/spin"); });
  EXPECT_TRUE(
      Eventually([&] { return server.Json({"ps"}).find("\"running\"") != std::string::npos; }));
  EXPECT_EQ(server.Stop(), 0) << server.log();
  caller.join();
  EXPECT_EQ(answer.headers["x-nightjar-verdict"], "cpu_time");  // its own limit, not the stop
  EXPECT_TRUE(server.Workers().empty());
}

TEST(SurviveTest, SigtermEndsARunThatTakesTooLong) {
  Server server(ServerOptions{.policy = "[default]\nwall = \"60s\"\ncpu = \"60s\"\n",
                              .more = {"--drain", "0"}});
  server.DeployExample("runaways");
  Answer answer;
  std::thread caller([&] { answer = server.Get("runaways", "/spin"); });
  EXPECT_TRUE(
      Eventually([&] { return server.Json({"ps"}).find("\"running\"") != std::string::npos; }));
  EXPECT_EQ(server.Stop(), 0) << server.log();
  caller.join();
  EXPECT_EQ(answer.headers["x-nightjar-verdict"], "stopping");
}

// As much as the disk takes.
void FillDisk(const std::string& path) {
  std::ofstream filler(path, std::ios::binary);
  std::string chunk(4096, 'x');
  while (filler.write(chunk.data(), static_cast<std::streamsize>(chunk.size())).flush()) {
  }
}

TEST(DiskTest, AFullDiskCostsTracesLoudlyAndNoAnswer) {
  Server server(ServerOptions{.disk = "20m"});
  ASSERT_EQ(server.Deploy("one", kHello).exit_code, 0);
  FillDisk(server.state() + "/filler");
  std::vector<std::string> told;
  for (int i = 0; i < 5; ++i) {
    Answer answer = server.Get("one", "/hello");
    EXPECT_EQ(answer.status, 200);
    told.push_back(answer.trace());
  }
  // Of each that is not listed either the log says so.
  for (const std::string& run : told)
    EXPECT_TRUE(Eventually([&] {
      return server.log().find("event=row_lost run=" + run) != std::string::npos ||
             server.Json({"traces", "one"}).find(run) != std::string::npos;
    })) << server.log();
  EXPECT_NE(server.log().find("No space left on device"), std::string::npos) << server.log();
  std::filesystem::remove(server.state() + "/filler");
  Answer answer = server.Get("one", "/hello");
  EXPECT_TRUE(Eventually([&] {
    return server.Json({"traces", "one"}).find(answer.trace()) != std::string::npos;
  })) << server.log();
}

TEST(DiskTest, AFullDiskAtTheStartIsSaidInOneLine) {
  Server server(ServerOptions{.disk = "8m"});
  EXPECT_FALSE(server.running());
  EXPECT_NE(server.log().find("is full: free at least 16 MiB"), std::string::npos) << server.log();
}

TEST(StartTest, APolicyWithAMistakeIsRefusedWithItsPlace) {
  Server server("[default]\nwal = \"2s\"\n");
  EXPECT_FALSE(server.running());
  EXPECT_NE(server.log().find("policy.toml:2:1"), std::string::npos) << server.log();
  EXPECT_NE(server.log().find("wall"), std::string::npos);  // what was meant
}

TEST(StartTest, APortInUseIsSaidInOneLine) {
  Server first;
  Server second(ServerOptions{.port = first.port()});
  EXPECT_FALSE(second.running());
  EXPECT_NE(second.log().find(std::to_string(first.port())), std::string::npos) << second.log();
  EXPECT_NE(second.log().find("in use"), std::string::npos) << second.log();
}

TEST(StartTest, AStateDirectoryInUseIsRefused) {
  Server first;
  Output second = first.RunBeside({"serve", "--state", first.state(), "--listen", "127.0.0.1:0"});
  EXPECT_NE(second.exit_code, 0);
  EXPECT_NE(second.err.find("in use by a running supervisor"), std::string::npos) << second.err;
}

TEST(StartTest, AnOrdinaryUserWithoutIdsIsToldWhatIsMissing) {
  namespace fs = std::filesystem;
  std::string folder = "/var/tmp/nightjar-ordinary-" + std::to_string(getpid());
  fs::create_directory(folder);
  for (const char* program : {"/nightjar", "/nightjard"})
    fs::copy_file(std::string(NIGHTJAR_BIN) + program, folder + program);
  auto as_nobody = [] {
    if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0) _exit(126);
  };
  Output refused =
      RunProgram({folder + "/nightjar", "serve", "--state", folder + "/state"}, "", as_nobody);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.err.find("user nobody has no range of 4112 ids in /etc/subuid: as root, "
                             "usermod --add-subuids"),
            std::string::npos)
      << refused.err;
  Output doctor = RunProgram({folder + "/nightjar", "doctor"}, "", as_nobody);
  EXPECT_NE(doctor.out.find("no user namespace: user nobody has no range"), std::string::npos)
      << doctor.out << doctor.err;
  fs::remove_all(folder);
}

TEST(StartTest, AStateDirectoryOfAnotherVersionIsRefused) {
  Server server;
  ASSERT_EQ(server.Stop(), 0);
  std::ofstream(server.state() + "/version") << "nightjar-state 99\n";
  server.Restart();
  EXPECT_FALSE(server.running());
  EXPECT_NE(server.log().find("written by another version"), std::string::npos) << server.log();
}

TEST(StartTest, AStateDirectoryOfAnotherOwnerIsRefused) {
  Server server;
  ASSERT_EQ(server.Stop(), 0);
  ASSERT_EQ(chown(server.state().c_str(), 12345, 12345), 0);
  server.Restart();
  EXPECT_FALSE(server.running());
  // To the root of a user namespace it is closed before it can look.
  const char* why =
      TestedStart() == StartMode::kRoot ? "belongs to uid 12345" : "/state: Permission denied";
  EXPECT_NE(server.log().find(why), std::string::npos) << server.log();
}

TEST(StartTest, AStoreThatCannotBeOpenedEndsTheStart) {
  Server server;
  ASSERT_EQ(server.Stop(), 0);
  std::ofstream(server.state() + "/store/index.db", std::ios::trunc) << std::string(8192, 'x');
  std::filesystem::remove(server.state() + "/store/index.db-wal");
  server.Restart();
  EXPECT_FALSE(server.running());
  EXPECT_NE(server.log().find("event=cannot_serve"), std::string::npos) << server.log();
  EXPECT_NE(server.log().find("file is not a database"), std::string::npos) << server.log();
}

TEST(StartTest, ReloadsAPolicyWhileRunningAllOrNothing) {
  Server server("[default]\ndepth = 100\n");
  server.Deploy("one", kHello);
  std::string file = server.state().substr(0, server.state().rfind('/')) + "/policy.toml";
  std::ofstream(file) << "[default]\ndepth = \"many\"\n";
  server.Kill(SIGHUP);
  EXPECT_TRUE(
      Eventually([&] { return server.log().find("event=policy_rejected") != std::string::npos; }));
  EXPECT_NE(server.Cli({"limits", "one"}).out.find("100"), std::string::npos);
  std::ofstream(file) << "[default]\ndepth = 77\n";
  server.Kill(SIGHUP);
  EXPECT_TRUE(Eventually([&] {
    return server.Cli({"limits", "one"}).out.find("77") != std::string::npos;
  }));
}

}  // namespace
}  // namespace nightjar::e2e
