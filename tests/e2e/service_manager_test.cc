// The supervisor as a service, with the test in systemd's place: it passes the socket, and hears
// what the supervisor says of itself.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/e2e/manager.h"

namespace nightjar::e2e {
namespace {

using ::testing::HasSubstr;

constexpr const char* kHello = "[http-handler GET /hello]\n\"hello\"\n";

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream content;
  content << in.rdbuf();
  return content.str();
}

TEST(ServiceManagerTest, HearsTheWholeLifeOfAService) {
  Manager manager;
  Server server(manager.Options());
  EXPECT_THAT(manager.WaitFor("READY=1"), HasSubstr("STATUS=serving 0 canvases at 127.0.0.1:"));
  EXPECT_EQ(manager.WaitFor("WATCHDOG=1"), "WATCHDOG=1");
  server.Deploy("one", kHello);
  EXPECT_THAT(manager.WaitFor("serving 1 canvas at"), HasSubstr("STATUS=serving 1 canvas at"));
  server.Kill(SIGHUP);
  EXPECT_THAT(manager.WaitFor("RELOADING=1"), HasSubstr("MONOTONIC_USEC="));
  EXPECT_THAT(manager.WaitFor("READY=1"), HasSubstr("STATUS=serving 1 canvas"));
  kill(server.pid(), SIGTERM);
  EXPECT_THAT(manager.WaitFor("STOPPING=1"), HasSubstr("EXTEND_TIMEOUT_USEC=40000000"));
  EXPECT_EQ(server.Stop(), 0) << server.log();
}

TEST(ServiceManagerTest, HearsThatANewPolicyWasRejected) {
  Manager manager;
  Server server(manager.Options());
  manager.WaitFor("READY=1");
  std::string policy = std::filesystem::path(server.state()).parent_path() / "policy.toml";
  std::ofstream(policy) << "[default]\nwal = \"1s\"\n";
  server.Kill(SIGHUP);
  EXPECT_THAT(manager.WaitFor("READY=1"), HasSubstr("the new policy was rejected: "));
  std::ofstream(policy) << "[default]\nwall = \"1s\"\n";
  server.Kill(SIGHUP);
  EXPECT_THAT(manager.WaitFor("READY=1"), ::testing::Not(HasSubstr("rejected")));
}

// The last status is what the manager shows of a service that is gone.
TEST(ServiceManagerTest, HearsWhyItCannotServe) {
  Manager manager;
  Server server(manager.Options());
  EXPECT_EQ(server.Stop(), 0);
  std::filesystem::remove_all(server.state() + "/store");
  std::ofstream(server.state() + "/store") << "no directory";
  manager.Drop();
  server.Restart();
  EXPECT_FALSE(server.running());
  EXPECT_THAT(manager.WaitFor("STATUS=cannot serve"), HasSubstr("cannot serve: "));
}

TEST(ServiceManagerTest, HearsNothingOfASupervisorThatIsStuck) {
  Manager manager;
  Server server(manager.Options());
  EXPECT_EQ(manager.WaitFor("WATCHDOG=1"), "WATCHDOG=1");
  kill(server.pid(), SIGSTOP);
  manager.Drop();
  bool said = true;
  // It may have been about to say one more.
  for (int turn = 0; turn < 2 && said; ++turn) {
    said = manager.SaysAnything(1000);
    manager.Drop();
  }
  EXPECT_FALSE(said);
  kill(server.pid(), SIGCONT);
  EXPECT_EQ(manager.WaitFor("WATCHDOG=1"), "WATCHDOG=1");
}

TEST(ServiceManagerTest, AConnectionWaitsThroughARestart) {
  Manager manager;
  Server server(manager.Options());
  server.Deploy("one", kHello);
  EXPECT_EQ(server.Get("one", "/hello").status, 200);
  EXPECT_EQ(server.Stop(), 0);
  Fd client = manager.Connect();
  std::string request = "GET /hello HTTP/1.1\r\nHost: one.localhost\r\nConnection: close\r\n\r\n";
  ASSERT_EQ(send(client.get(), request.data(), request.size(), 0),
            static_cast<ssize_t>(request.size()));
  server.Restart();
  char answer[4096];
  ssize_t size = recv(client.get(), answer, sizeof answer, 0);
  ASSERT_GT(size, 0) << server.log();
  EXPECT_THAT(std::string(answer, static_cast<size_t>(size)),
              ::testing::StartsWith("HTTP/1.1 200 "));
}

// A child that found them would take the socket, or the word, for its own.
TEST(ServiceManagerTest, NoChildInheritsWhatWasForTheSupervisor) {
  Manager manager(1000);
  Server server(manager.Options());
  std::string environment =
      ReadAll("/proc/" + std::to_string(server.HelperPid("writer")) + "/environ");
  for (const char* name : {"LISTEN_", "NOTIFY_SOCKET", "WATCHDOG_", "FDSTORE"})
    EXPECT_EQ(environment.find(name), std::string::npos) << name;
}

TEST(ServiceManagerTest, APassedSocketNeedsNoOption) {
  Manager manager;
  ServerOptions options = manager.Options();
  options.listen = "";
  Server server(options);
  EXPECT_TRUE(server.running()) << server.log();
  EXPECT_EQ(server.Get("nobody", "/").status, 404);
}

TEST(ServiceManagerTest, AnAddressAndASocketAreOneTooMany) {
  Manager manager;
  Server server(manager.Options("127.0.0.1:0"));
  EXPECT_FALSE(server.running());
  EXPECT_THAT(server.log(), HasSubstr("the service manager passed a socket too"));
}

TEST(ServiceManagerTest, ASocketThatWasNotPassedIsSaidSo) {
  Server server(ServerOptions{.listen = "systemd"});
  EXPECT_FALSE(server.running());
  EXPECT_THAT(server.log(), HasSubstr("no socket was passed"));
}

}  // namespace
}  // namespace nightjar::e2e
