// The service manager's protocols, with a test in the manager's place: a datagram socket in
// NOTIFY_SOCKET, and descriptors where LISTEN_FDS says.

#include "supervisor/app/service_manager.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "supervisor/app/passed_sockets.h"
#include "supervisor/http/server.h"
#include "tests/support/notify_socket.h"

namespace nightjar {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kAll[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC",  "WATCHDOG_PID", "LISTEN_FDS",
                                "LISTEN_PID",    "LISTEN_FDNAMES", "FDSTORE"};

class ServiceManagerTest : public ::testing::Test {
 protected:
  ServiceManagerTest() {
    Clear();
    char path[] = "/tmp/nightjar-notify-XXXXXX";
    CHECK(mkdtemp(path) != nullptr);
    folder_ = path;
    socket_ = testing::BindNotifySocket(folder_ + "/notify");
  }
  ~ServiceManagerTest() override {
    Clear();
    std::filesystem::remove_all(folder_);
  }

  static void Clear() {
    for (const char* name : kAll) unsetenv(name);
  }
  static std::string Heard(const Fd& socket) {
    auto notice = testing::ReadNotice(socket);
    return notice ? notice->text : "nothing";
  }
  std::string Heard() { return Heard(socket_); }
  ServiceManager Meet() {
    auto manager = ServiceManager::Meet();
    EXPECT_TRUE(manager.has_value()) << manager.error().ToString();
    for (const char* name : kAll) EXPECT_EQ(getenv(name), nullptr) << name;
    return std::move(*manager);
  }
  std::string Refused() {
    auto manager = ServiceManager::Meet();
    for (const char* name : kAll) EXPECT_EQ(getenv(name), nullptr) << name;
    return manager ? "" : manager.error().ToString();
  }
  static void SetPid(const char* name, pid_t pid) { setenv(name, std::to_string(pid).c_str(), 1); }

  std::string folder_;
  Fd socket_;
};

TEST_F(ServiceManagerTest, NobodyThereIsNoMistake) {
  ServiceManager manager = Meet();
  EXPECT_FALSE(manager.alive_period().has_value());
  EXPECT_THAT(manager.TakeSockets(), IsEmpty());
  manager.Ready("serving");
  manager.Alive();
  EXPECT_EQ(Heard(), "nothing");
}

TEST_F(ServiceManagerTest, SaysWhatBecomesOfTheProcess) {
  setenv("NOTIFY_SOCKET", (folder_ + "/notify").c_str(), 1);
  ServiceManager manager = Meet();
  manager.Ready("serving 2 canvases");
  EXPECT_EQ(Heard(), "READY=1\nSTATUS=serving 2 canvases");
  manager.Reloading(MonoTime(milliseconds(5)), "reading the policy");
  EXPECT_EQ(Heard(), "RELOADING=1\nMONOTONIC_USEC=5000\nSTATUS=reading the policy");
  manager.Alive();
  EXPECT_EQ(Heard(), "WATCHDOG=1");
  manager.Stopping(seconds(40), "stopping");
  EXPECT_EQ(Heard(), "STOPPING=1\nEXTEND_TIMEOUT_USEC=40000000\nSTATUS=stopping");
}

TEST_F(ServiceManagerTest, TheSameStatusIsSaidOnce) {
  setenv("NOTIFY_SOCKET", (folder_ + "/notify").c_str(), 1);
  ServiceManager manager = Meet();
  manager.Ready("serving");
  EXPECT_EQ(Heard(), "READY=1\nSTATUS=serving");
  manager.Status("serving");
  EXPECT_EQ(Heard(), "nothing");
  manager.Status("serving more");
  EXPECT_EQ(Heard(), "STATUS=serving more");
}

// A line break would be a field of its own: READY=1 out of a policy's error.
TEST_F(ServiceManagerTest, AStatusIsOneShortLine) {
  setenv("NOTIFY_SOCKET", (folder_ + "/notify").c_str(), 1);
  ServiceManager manager = Meet();
  manager.Status("one\nREADY=1" + std::string(500, 'x'));
  std::string heard = Heard();
  EXPECT_EQ(heard.rfind("STATUS=one READY=1xxx", 0), 0u) << heard;
  EXPECT_LT(heard.size(), 250u);
  // Nor is it cut inside of a character.
  std::string accents;
  for (int i = 0; i < 200; ++i) accents += "\xc3\xa9";
  for (const char* before : {"", "x"}) {
    manager.Status(before + accents);
    EXPECT_EQ(Heard().back(), '\xa9');
  }
}

TEST_F(ServiceManagerTest, TheManagerMayListenOnAnAbstractName) {
  std::string name = "nightjar-test-" + std::to_string(getpid());
  Fd socket = testing::BindNotifySocket(std::string(1, '\0') + name);
  setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
  ServiceManager manager = Meet();
  manager.Alive();
  EXPECT_EQ(Heard(socket), "WATCHDOG=1");
}

TEST_F(ServiceManagerTest, AManagerThatIsExecutedAnewIsFoundAgain) {
  setenv("NOTIFY_SOCKET", (folder_ + "/notify").c_str(), 1);
  ServiceManager manager = Meet();
  manager.Alive();
  socket_.Close();
  manager.Alive();  // nobody there: dropped
  std::filesystem::remove(folder_ + "/notify");
  socket_ = testing::BindNotifySocket(folder_ + "/notify");
  manager.Alive();
  EXPECT_EQ(Heard(), "WATCHDOG=1");
}

// What waits for its manager serves nobody.
TEST_F(ServiceManagerTest, AManagerThatReadsNothingIsNotWaitedFor) {
  setenv("NOTIFY_SOCKET", (folder_ + "/notify").c_str(), 1);
  ServiceManager manager = Meet();
  for (int i = 0; i < 2000; ++i) manager.Alive();
  EXPECT_EQ(Heard(), "WATCHDOG=1");
}

TEST_F(ServiceManagerTest, IsAliveTwiceInTheWatchdogsTime) {
  setenv("WATCHDOG_USEC", "3000000", 1);
  EXPECT_EQ(Meet().alive_period(), Nanos(milliseconds(1500)));
  setenv("WATCHDOG_USEC", "3000000", 1);
  SetPid("WATCHDOG_PID", getpid());
  EXPECT_EQ(Meet().alive_period(), Nanos(milliseconds(1500)));
}

TEST_F(ServiceManagerTest, WhatIsForAnotherProcessIsLeftAlone) {
  setenv("WATCHDOG_USEC", "3000000", 1);
  SetPid("WATCHDOG_PID", getppid());
  setenv("LISTEN_FDS", "1", 1);
  SetPid("LISTEN_PID", getppid());
  ServiceManager manager = Meet();
  EXPECT_FALSE(manager.alive_period().has_value());
  EXPECT_THAT(manager.TakeSockets(), IsEmpty());
  setenv("LISTEN_FDS", "1", 1);  // without a pid it is nobody's
  EXPECT_THAT(Meet().TakeSockets(), IsEmpty());
}

TEST_F(ServiceManagerTest, NonsenseIsRefused) {
  for (auto [name, value] : {std::pair("WATCHDOG_USEC", "soon"),
                             {"WATCHDOG_USEC", "-1"},
                             {"WATCHDOG_USEC", "99999999999999999999"},
                             {"NOTIFY_SOCKET", "here"},
                             {"LISTEN_FDS", "many"},
                             {"LISTEN_FDS", "100000"},
                             {"FDSTORE", "all"}}) {
    SetPid("LISTEN_PID", getpid());
    setenv("LISTEN_FDS", "0", 1);
    setenv(name, value, 1);
    EXPECT_THAT(Refused(), HasSubstr(name)) << value;
  }
  setenv("NOTIFY_SOCKET", ("/" + std::string(200, 'x')).c_str(), 1);
  EXPECT_THAT(Refused(), HasSubstr("NOTIFY_SOCKET"));
}

// In a child of its own, whose descriptor 3 can be anything.
TEST_F(ServiceManagerTest, TakesTheSocketsThatWerePassed) {
  auto listener = http::ListenTcp("127.0.0.1:0");
  ASSERT_TRUE(listener.has_value());
  std::string address = *http::BoundAddress(*listener);
  auto child = [&] {
    Fd high(fcntl(listener->get(), F_DUPFD, 100));
    if (dup2(high.get(), 3) != 3) _exit(10);
    SetPid("LISTEN_PID", getpid());
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_FDNAMES", "nightjar.socket", 1);
    auto manager = ServiceManager::Meet();
    if (!manager) _exit(11);
    auto sockets = manager->TakeSockets();
    if (sockets.size() != 1 || sockets[0].get() != 3) _exit(12);
    if ((fcntl(3, F_GETFD) & FD_CLOEXEC) == 0) _exit(13);
    for (const char* name : kAll)
      if (getenv(name) != nullptr) _exit(14);
    auto one = TheListener(std::move(sockets));
    if (!one || *http::BoundAddress(*one) != address) _exit(15);
    if ((fcntl(one->get(), F_GETFL) & O_NONBLOCK) == 0) _exit(16);
    _exit(0);
  };
  EXPECT_EXIT(child(), ::testing::ExitedWithCode(0), "");
}

// What is kept has a name that no listener has; what has none, or another, is to be listened on.
TEST_F(ServiceManagerTest, TellsConnectionsFromListenersByTheirNames) {
  auto child = [](const std::string& names, size_t listeners, size_t connections) {
    for (int fd = 3; fd < 6; ++fd)
      if (dup2(STDERR_FILENO, fd) != fd) _exit(10);
    SetPid("LISTEN_PID", getpid());
    setenv("LISTEN_FDS", "3", 1);
    setenv("LISTEN_FDNAMES", names.c_str(), 1);
    auto manager = ServiceManager::Meet();
    if (!manager) _exit(11);
    if (manager->TakeSockets().size() != listeners) _exit(12);
    if (manager->TakeConnections().size() != connections) _exit(13);
    if (!manager->TakeConnections().empty()) _exit(14);
    _exit(0);
  };
  for (auto [names, listeners, connections] :
       {std::tuple("nightjar.socket:connection:connection", 1, 2),
        {"connection:connections:connection", 1, 2},
        {"nightjar.socket", 3, 0},
        {"", 3, 0},
        {"::connection", 2, 1},
        {"connection:connection:connection:connection", 0, 3}})
    EXPECT_EXIT(child(names, listeners, connections), ::testing::ExitedWithCode(0), "") << names;
}

TEST_F(ServiceManagerTest, KeepsNothingWhereTheManagerDoesNot) {
  EXPECT_EQ(Meet().connections_kept_max(), 0u);
  setenv("FDSTORE", "16", 1);  // and nobody to send them to
  EXPECT_EQ(Meet().connections_kept_max(), 0u);
  setenv("NOTIFY_SOCKET", (folder_ + "/notify").c_str(), 1);
  EXPECT_EQ(Meet().connections_kept_max(), 0u);
  for (auto [text, count] :
       {std::pair("16", size_t{16}), {"4294967295", bounds::kConnectionsKept}}) {
    setenv("NOTIFY_SOCKET", (folder_ + "/notify").c_str(), 1);
    setenv("FDSTORE", text, 1);
    EXPECT_EQ(Meet().connections_kept_max(), count);
  }
}

TEST_F(ServiceManagerTest, AConnectionThatCameBackIsLookedAt) {
  EXPECT_FALSE(CheckConnection(Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))).has_value());
  EXPECT_FALSE(CheckConnection(Fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))).has_value());
  EXPECT_FALSE(CheckConnection(Fd(open("/dev/null", O_RDONLY | O_CLOEXEC))).has_value());
  EXPECT_FALSE(CheckConnection(std::move(SeqpacketPair()->first)).has_value());
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  Fd other(pair[1]);
  EXPECT_FALSE(CheckConnection(Fd(pair[0])).has_value());
  auto listener = http::ListenTcp("127.0.0.1:0");
  ASSERT_TRUE(listener.has_value());
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  ASSERT_EQ(getsockname(listener->get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
  Fd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&name), size), 0);
  EXPECT_FALSE(CheckConnection(std::move(*listener)).has_value()) << "it listens";
  listener = http::ListenTcp("127.0.0.1:0");
  Fd live(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(getsockname(listener->get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
  ASSERT_EQ(connect(live.get(), reinterpret_cast<sockaddr*>(&name), size), 0);
  auto sound = CheckConnection(std::move(live));
  ASSERT_TRUE(sound.has_value());
  EXPECT_NE(fcntl(sound->get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(ServiceManagerTest, ServesOnOneListeningTcpSocketAndNothingElse) {
  auto one = [](Fd fd) {
    std::vector<Fd> sockets;
    sockets.push_back(std::move(fd));
    return TheListener(std::move(sockets));
  };
  EXPECT_FALSE(one(Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))).has_value());
  EXPECT_FALSE(one(Fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))).has_value());
  EXPECT_FALSE(one(Fd(open("/dev/null", O_RDONLY | O_CLOEXEC))).has_value());
  auto unix_socket = http::ListenUnix(folder_ + "/listener");
  ASSERT_TRUE(unix_socket.has_value());
  EXPECT_THAT(one(std::move(*unix_socket)).error().ToString(), HasSubstr("TCP"));
  std::vector<Fd> two;
  for (int i = 0; i < 2; ++i) two.push_back(std::move(*http::ListenTcp("127.0.0.1:0")));
  EXPECT_THAT(TheListener(std::move(two)).error().ToString(), HasSubstr("ListenStream="));
}

}  // namespace
}  // namespace nightjar
