#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "tests/unit/http/server_rig.h"

namespace nightjar::http {
namespace {

using ::testing::HasSubstr;

class ListenTest : public ServerRig {
 protected:
  ListenTest() {
    char name[] = "/tmp/nightjar-listen-XXXXXX";
    EXPECT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    path_ = folder_ + "/control.sock";
  }
  ~ListenTest() override {
    unlink(path_.c_str());
    rmdir(folder_.c_str());
  }

  std::string folder_, path_;
};

TEST_F(ListenTest, PicksAFreePortAndTellsIt) {
  auto listener = ListenTcp("127.0.0.1:0");
  ASSERT_TRUE(listener.has_value());
  std::string address = *BoundAddress(*listener);
  EXPECT_EQ(address.rfind("127.0.0.1:", 0), 0u);
  EXPECT_NE(address, "127.0.0.1:0");
  auto again = ListenTcp(address);
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, ErrorCode::kExists);
  EXPECT_THAT(again.error().context, HasSubstr(address));
}

TEST_F(ListenTest, TakesIPv6WhereTheHostHasIt) {
  auto listener = ListenTcp("[::1]:0");
  if (!listener) GTEST_SKIP() << "no IPv6 loopback here: " << listener.error().ToString();
  EXPECT_EQ(BoundAddress(*listener)->rfind("[::1]:", 0), 0u);
}

TEST_F(ListenTest, RefusesWhatIsNoAddress) {
  for (std::string address : {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "::1:80",
                              "127.0.0.1:65536", "127.0.0.1:-1"}) {
    auto listener = ListenTcp(address);
    ASSERT_FALSE(listener.has_value()) << address;
    EXPECT_EQ(listener.error().code, ErrorCode::kInvalid) << address;
  }
}

TEST_F(ListenTest, AUnixSocketIsItsOwnersAloneAndKnowsItsPeer) {
  auto listener = ListenUnix(path_);
  ASSERT_TRUE(listener.has_value()) << listener.error().ToString();
  struct stat info;
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(*BoundAddress(*listener), path_);
  address_ = path_;
  ServeOn(std::move(*listener), Mode::kKeep);
  auto client = Client();
  client->Send(kGet);
  ASSERT_TRUE(Until([&] { return !asked_.empty(); }));
  EXPECT_EQ(asked_[0].request.peer_uid, static_cast<int64_t>(getuid()));
  EXPECT_EQ(asked_[0].request.peer,
            "uid " + std::to_string(getuid()) + " pid " + std::to_string(getpid()));
  asked_[0].responder.Send(Text("hello"));
  EXPECT_TRUE(Until([&] { return client->Has("hello"); }));
}

TEST_F(ListenTest, ReplacesASocketThatNobodyListensOnButNoOther) {
  {
    auto first = ListenUnix(path_);
    ASSERT_TRUE(first.has_value());
    auto second = ListenUnix(path_);
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().code, ErrorCode::kExists);
    EXPECT_THAT(second.error().context, HasSubstr(path_));
  }
  EXPECT_TRUE(ListenUnix(path_).has_value());
  unlink(path_.c_str());
  std::ofstream(path_) << "precious";
  auto over_file = ListenUnix(path_);
  ASSERT_FALSE(over_file.has_value());
  EXPECT_EQ(over_file.error().code, ErrorCode::kExists);
  std::string kept;
  std::ifstream(path_) >> kept;
  EXPECT_EQ(kept, "precious");
}

TEST_F(ListenTest, RefusesPathsThatDoNotFit) {
  EXPECT_EQ(ListenUnix("").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(ListenUnix(std::string(200, 'x')).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(ListenUnix(folder_ + "/none/x.sock").error().code, ErrorCode::kNotFound);
}

TEST_F(ListenTest, AServerWantsASocketThatListens) {
  Fd pipe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto server = Server::Create(rig_.loop(), clock_, std::move(pipe), {}, nullptr);
  ASSERT_FALSE(server.has_value());
  EXPECT_EQ(server.error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace nightjar::http
