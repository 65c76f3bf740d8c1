// Connections on their way to a service manager and back, with a test in the manager's place.

#include "supervisor/app/connection_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "supervisor/http/server.h"
#include "tests/support/loop_rig.h"
#include "tests/support/notify_socket.h"

namespace nightjar {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ConnectionStoreTest : public ::testing::Test {
 protected:
  ConnectionStoreTest() {
    char path[] = "/tmp/nightjar-store-XXXXXX";
    CHECK(mkdtemp(path) != nullptr);
    folder_ = path;
    Bind();
    rlimit files{4096, 4096};
    CHECK(setrlimit(RLIMIT_NOFILE, &files) == 0);
  }
  ~ConnectionStoreTest() override { std::filesystem::remove_all(folder_); }

  void Bind() { socket_ = testing::BindNotifySocket(folder_ + "/notify"); }
  // As a process that was started with these.
  void Start(const std::string& keeps) {
    setenv("NOTIFY_SOCKET", (folder_ + "/notify").c_str(), 1);
    if (!keeps.empty()) setenv("FDSTORE", keeps.c_str(), 1);
    auto met = ServiceManager::Meet();
    CHECK(met.has_value());
    manager_ = std::move(*met);
    rig_.emplace();
    store_.emplace(rig_->loop(), clock_, manager_, [this](std::vector<Fd> back) {
      ++given_back_;
      back_ = std::move(back);
    });
  }
  std::optional<testing::Notice> Read() { return testing::ReadNotice(socket_); }
  std::string Heard() {
    auto message = Read();
    return message ? message->text : "nothing";
  }
  // Others say so much that there is no room for more.
  void Fill() {
    Fd others(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    (folder_ + "/notify").copy(name.sun_path, sizeof name.sun_path - 1);
    CHECK(connect(others.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
    while (send(others.get(), "X=1", 3, MSG_NOSIGNAL) == 3) {
    }
  }
  // What the store is not to know: that these are no connections.
  void Keep(int count) {
    for (int i = 0; i < count; ++i) store_->Keep(std::move(MakePipe()->read));
  }
  bool Until(std::function<bool()> fact) { return rig_->RunUntil(std::move(fact)); }

  std::string folder_;
  Fd socket_;
  std::optional<testing::LoopRig> rig_;
  SystemClock clock_;
  ServiceManager manager_;
  std::optional<ConnectionStore> store_;
  int given_back_ = 0;
  std::vector<Fd> back_;
};

TEST_F(ConnectionStoreTest, WithoutAManagerThatKeepsThereIsNoUseInIt) {
  Start("");
  EXPECT_FALSE(store_->keeps());
  EXPECT_THAT(store_->TakeBack(), IsEmpty());
  bool read = false;
  store_->Finish([&] { read = true; });
  EXPECT_TRUE(Until([&] { return read; }));
  EXPECT_EQ(Heard(), "nothing");
}

TEST_F(ConnectionStoreTest, WhatComesInOneTurnGoesInOneMessage) {
  Start("1000");
  ASSERT_TRUE(store_->keeps());
  Keep(3);
  EXPECT_FALSE(store_->idle());
  ASSERT_TRUE(Until([&] { return store_->idle(); }));
  auto message = Read();
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->text, "FDSTORE=1\nFDNAME=connection");
  EXPECT_EQ(message->fds.size(), 3u);
  EXPECT_EQ(Heard(), "nothing");
}

TEST_F(ConnectionStoreTest, ManyGoInMessagesThatTheKernelTakes) {
  Start("1000");
  Keep(600);
  ASSERT_TRUE(Until([&] { return store_->idle(); }));
  std::vector<size_t> sizes;
  while (auto message = Read()) sizes.push_back(message->fds.size());
  EXPECT_THAT(sizes, ElementsAre(253, 253, 94));
}

TEST_F(ConnectionStoreTest, NoMoreThanTheManagerKeeps) {
  Start("5");
  Keep(3);
  ASSERT_TRUE(Until([&] { return store_->idle(); }));
  Keep(4);
  ASSERT_TRUE(Until([&] { return given_back_ == 1; }));
  EXPECT_EQ(back_.size(), 2u);
  EXPECT_TRUE(store_->idle());
  EXPECT_EQ(Read()->fds.size(), 3u);
  EXPECT_EQ(Read()->fds.size(), 2u);
}

// Its queue has room for ten messages or some hundred, as the host has it.
TEST_F(ConnectionStoreTest, AManagerThatIsBusyIsTriedAgain) {
  Start("1000");
  Fill();
  Keep(3);
  Timer wakes(rig_->loop(), [&] {
    while (Heard() != "nothing") {
    }
  });
  wakes.StartAfter(std::chrono::milliseconds(20));
  ASSERT_TRUE(Until([&] { return store_->idle(); }));
  EXPECT_EQ(given_back_, 0);
  EXPECT_EQ(Read()->fds.size(), 3u);
}

TEST_F(ConnectionStoreTest, AManagerThatTakesNothingKeepsNothing) {
  Start("1000");
  Fill();
  Keep(3);
  ASSERT_TRUE(Until([&] { return given_back_ == 1; }));
  EXPECT_EQ(back_.size(), 3u);
  EXPECT_FALSE(store_->keeps());
  bool read = false;
  store_->Finish([&] { read = true; });
  EXPECT_TRUE(Until([&] { return read; }));
}

TEST_F(ConnectionStoreTest, AManagerThatIsExecutedAnewIsWaitedFor) {
  Start("1000");
  socket_.Close();
  std::filesystem::remove(folder_ + "/notify");
  Keep(3);
  Timer back(rig_->loop(), [&] { Bind(); });
  back.StartAfter(std::chrono::milliseconds(20));
  ASSERT_TRUE(Until([&] { return store_->idle(); }));
  EXPECT_EQ(given_back_, 0);
  EXPECT_EQ(Read()->fds.size(), 3u);
}

TEST_F(ConnectionStoreTest, TheEndWaitsUntilTheManagerHasRead) {
  Start("1000");
  Keep(1);
  ASSERT_TRUE(Until([&] { return store_->idle(); }));
  bool read = false;
  store_->Finish([&] { read = true; });
  EXPECT_EQ(Read()->fds.size(), 1u);
  std::optional<testing::Notice> barrier;
  ASSERT_TRUE(Until([&] { return (barrier = Read()).has_value(); }));
  EXPECT_EQ(barrier->text, "BARRIER=1");
  ASSERT_EQ(barrier->fds.size(), 1u);
  EXPECT_FALSE(read);
  barrier.reset();
  EXPECT_TRUE(Until([&] { return read; }));
  EXPECT_EQ(Heard(), "nothing");
}

TEST_F(ConnectionStoreTest, WhatComesWhileItWaitsGoesToo) {
  Start("1000");
  Keep(1);
  bool read = false;
  store_->Finish([&] { read = true; });
  std::optional<testing::Notice> barrier;
  ASSERT_TRUE(
      Until([&] { return (barrier = Read()).has_value() && barrier->text == "BARRIER=1"; }));
  Keep(2);
  barrier.reset();
  ASSERT_TRUE(Until([&] { return read; }));
  EXPECT_EQ(Read()->fds.size(), 2u);
}

TEST_F(ConnectionStoreTest, AManagerThatDoesNotAnswerIsNotWaitedForForEver) {
  Start("1000");
  Keep(1);
  bool read = false;
  store_->Finish([&] { read = true; });
  EXPECT_TRUE(Until([&] { return read; }));
}

// In a child of its own, whose descriptors from 3 on can be anything.
class TakeBackTest : public ConnectionStoreTest {
 protected:
  static Fd Connected(const Fd& listener) {
    sockaddr_storage name{};
    socklen_t size = sizeof name;
    CHECK(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&name), &size) == 0);
    Fd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    CHECK(connect(client.get(), reinterpret_cast<sockaddr*>(&name), size) == 0);
    return client;
  }
  // `passed`: what the child has there, under the name of connections.
  void StartWith(const std::vector<int>& passed) {
    socket_ = Fd(fcntl(socket_.Release(), F_DUPFD, 200));
    std::vector<int> high;
    for (int fd : passed) high.push_back(fcntl(fd, F_DUPFD, 100));
    std::string names;
    for (size_t i = 0; i < high.size(); ++i) {
      CHECK(dup2(high[i], 3 + static_cast<int>(i)) == 3 + static_cast<int>(i));
      names += i == 0 ? "connection" : ":connection";
    }
    setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    setenv("LISTEN_FDS", std::to_string(high.size()).c_str(), 1);
    setenv("LISTEN_FDNAMES", names.c_str(), 1);
    Start("1000");
  }
};

TEST_F(TakeBackTest, TakesConnectionsAndNothingElse) {
  auto listener = http::ListenTcp("127.0.0.1:0");
  ASSERT_TRUE(listener.has_value());
  auto child = [&] {
    Fd one = Connected(*listener);
    Fd two = Connected(*listener);
    int nothing = open("/dev/null", O_RDONLY);
    int loose = socket(AF_INET, SOCK_STREAM, 0);
    std::vector<int> passed{one.get(), nothing, listener->get(), loose, two.get()};
    StartWith(passed);
    auto back = store_->TakeBack();
    if (back.size() != 2 || back[0].get() != 3 || back[1].get() != 7) _exit(11);
    for (int fd : {4, 5, 6})
      if (fcntl(fd, F_GETFD) != -1) _exit(12);
    if (Heard() != "FDSTOREREMOVE=1\nFDNAME=connection") _exit(13);
    if (!store_->keeps()) _exit(14);
    _exit(0);
  };
  EXPECT_EXIT(child(), ::testing::ExitedWithCode(0), "event=connection_refused");
}

// What it is told to forget later would be what it was given in between.
TEST_F(TakeBackTest, KeepsNothingBeforeTheManagerHasForgotten) {
  auto listener = http::ListenTcp("127.0.0.1:0");
  ASSERT_TRUE(listener.has_value());
  auto child = [&] {
    Fd one = Connected(*listener);
    StartWith({one.get()});
    Fill();
    if (store_->TakeBack().size() != 1) _exit(11);
    if (store_->keeps()) _exit(12);
    _exit(0);
  };
  EXPECT_EXIT(child(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace nightjar
