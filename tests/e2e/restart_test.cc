// Restarts and reloads under load, with the test in systemd's place: no client sees a connection
// end, no request is without its answer, no run without its trace.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <mutex>

#include "tests/e2e/manager.h"

namespace nightjar::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kProgram =
    "[http-handler GET /hello]\n\"hello\"\n"
    "[http-handler POST /echo]\nrequest.body\n";
constexpr const char* kGet = "GET /hello HTTP/1.1\r\nHost: one.localhost\r\n\r\n";
constexpr const char* kGetAndGo =
    "GET /hello HTTP/1.1\r\nHost: one.localhost\r\nConnection: close\r\n\r\n";
// A restart takes a while on a busy machine, and no request is to be refused for it.
constexpr const char* kPolicy =
    "[default]\nwall = \"30s\"\ncpu = \"30s\"\nqueue_time = \"20s\"\nqueue = 1000\n";

bool SendAll(const Fd& client, std::string_view bytes) {
  return send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

// One answer, head and body, off a connection on which another may follow. What came, if it ended
// before.
std::string ReadAnswer(const Fd& client, std::string& held) {
  for (;;) {
    size_t head = held.find("\r\n\r\n");
    if (head != std::string::npos) {
      size_t at = held.find("Content-Length: ");
      size_t whole = head + 4 + (at < head ? std::stoul(held.substr(at + 16, 20)) : 0);
      if (held.size() >= whole) {
        std::string answer = held.substr(0, whole);
        held.erase(0, whole);
        return answer;
      }
    }
    char chunk[4096];
    ssize_t got = recv(client.get(), chunk, sizeof chunk, 0);
    if (got <= 0) return got == 0 ? "the end, after " + held : strerror(errno);
    held.append(chunk, static_cast<size_t>(got));
  }
}

std::string TraceOf(const std::string& answer) {
  size_t at = answer.find("x-nightjar-trace: ");
  return at == std::string::npos ? "" : answer.substr(at + 18, 36);
}

// Clients that ask one after another until they are stopped; each answer must be 200.
class Load {
 public:
  explicit Load(const Manager& manager) : manager_(manager) {
    for (int i = 0; i < 3; ++i) threads_.emplace_back([this] { AskOnOneConnection(); });
    for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { AskOnNewConnections(); });
    threads_.emplace_back([this] { AskInBursts(); });
    threads_.emplace_back([this] { AskInPieces(); });
  }
  ~Load() { Stop(); }

  void Stop() {
    stopped_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  // Until so many more were answered.
  bool Answers(size_t more) {
    size_t wanted = count() + more;
    return Eventually([&] { return count() >= wanted || !bad_.empty(); }) && bad_.empty();
  }
  size_t count() {
    std::lock_guard guard(mutex_);
    return traces_.size();
  }
  // After Stop().
  const std::vector<std::string>& traces() const { return traces_; }
  const std::string& bad() const { return bad_; }

 private:
  bool Judge(const std::string& answer) {
    std::lock_guard guard(mutex_);
    bool good = answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\"hello\"");
    if (good) traces_.push_back(TraceOf(answer));
    if (!good && bad_.empty()) bad_ = answer;
    return good;
  }
  void AskOnOneConnection() {
    Fd client = manager_.Connect();
    std::string held;
    while (!stopped_) {
      SendAll(client, kGet);
      if (!Judge(ReadAnswer(client, held))) return;
    }
  }
  // The next request is on its way before the last one's answer.
  void AskInBursts() {
    Fd client = manager_.Connect();
    std::string held;
    SendAll(client, std::string(kGet) + kGet);
    while (!stopped_) {
      SendAll(client, kGet);
      if (!Judge(ReadAnswer(client, held))) return;
    }
  }
  // A request ends in the packet in which the next one begins.
  void AskInPieces() {
    Fd client = manager_.Connect();
    std::string held;
    std::string_view request = kGet;
    SendAll(client, request.substr(0, 20));
    while (!stopped_) {
      SendAll(client, std::string(request.substr(20)) + std::string(request.substr(0, 20)));
      if (!Judge(ReadAnswer(client, held))) return;
    }
  }
  void AskOnNewConnections() {
    while (!stopped_) {
      Fd client = manager_.Connect();
      std::string held;
      SendAll(client, kGetAndGo);
      if (!Judge(ReadAnswer(client, held))) return;
    }
  }

  const Manager& manager_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;
  std::vector<std::string> traces_;
  std::string bad_;
};

class RestartTest : public ::testing::Test {
 protected:
  explicit RestartTest(size_t keeps = 1000)
      : manager_(keeps), options_(manager_.Options()), server_([this] {
          options_.policy = kPolicy;
          return options_;
        }()) {
    CHECK(server_.Deploy("one", kProgram).exit_code == 0);
  }
  // As `systemctl restart`.
  void Restart() {
    manager_.StartHearing();
    EXPECT_EQ(server_.Stop(), 0);
    manager_.StopHearing();
    server_.Restart();
    EXPECT_TRUE(server_.running()) << server_.log();
  }
  void ExpectTraces(const std::vector<std::string>& traces) {
    for (const std::string& trace : traces)
      ASSERT_TRUE(Eventually([&] {
        return server_.Control("GET", "/canvases/one/traces/" + trace).status == 200;
      })) << trace;
  }

  Manager manager_;
  ServerOptions options_;
  Server server_;
};

TEST_F(RestartTest, UnderLoadNoRequestAndNoTraceIsLost) {
  Load load(manager_);
  for (int turn = 0; turn < 4; ++turn) {
    ASSERT_TRUE(load.Answers(100)) << load.bad() << server_.log();
    Restart();
  }
  ASSERT_TRUE(load.Answers(100)) << load.bad() << server_.log();
  load.Stop();
  EXPECT_EQ(load.bad(), "") << server_.log();
  EXPECT_THAT(server_.log(), HasSubstr("event=connections_kept"));
  EXPECT_THAT(server_.log(), HasSubstr("event=connections_taken_back"));
  ExpectTraces(load.traces());
}

TEST_F(RestartTest, ReloadsUnderLoadAreNotSeen) {
  Load load(manager_);
  for (int turn = 0; turn < 20; ++turn) {
    ASSERT_TRUE(load.Answers(5)) << load.bad();
    server_.Kill(SIGHUP);
  }
  ASSERT_TRUE(load.Answers(100)) << load.bad();
  load.Stop();
  EXPECT_EQ(load.bad(), "");
  ExpectTraces(load.traces());
}

TEST_F(RestartTest, AnIdleConnectionIsTheNextOnes) {
  Fd used = manager_.Connect();
  Fd fresh = manager_.Connect();
  std::string held, held_too;
  ASSERT_TRUE(SendAll(used, kGet));
  EXPECT_THAT(ReadAnswer(used, held), StartsWith("HTTP/1.1 200 "));
  for (int turn = 0; turn < 2; ++turn) {
    Restart();
    for (auto [client, rest] : {std::pair(&used, &held), {&fresh, &held_too}}) {
      ASSERT_TRUE(SendAll(*client, kGet));
      std::string answer = ReadAnswer(*client, *rest);
      EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 ")) << server_.log();
      EXPECT_EQ(answer.find("Connection: close"), std::string::npos);
    }
    manager_.Drop();
    EXPECT_EQ(manager_.kept(), 0u) << "a copy there would keep a closed connection open";
  }
  // And its end is seen.
  ASSERT_TRUE(SendAll(used, kGetAndGo));
  ReadAnswer(used, held);
  EXPECT_THAT(ReadAnswer(used, held), StartsWith("the end, after "));
}

TEST_F(RestartTest, HundredsOfThemAreToo) {
  std::vector<Fd> clients;
  for (int i = 0; i < 300; ++i) clients.push_back(manager_.Connect());
  std::string held;
  ASSERT_TRUE(SendAll(clients.back(), kGet));
  EXPECT_THAT(ReadAnswer(clients.back(), held), StartsWith("HTTP/1.1 200 "));
  Restart();
  for (const Fd& client : clients) {
    ASSERT_TRUE(SendAll(client, kGet));
    ASSERT_THAT(ReadAnswer(client, held), StartsWith("HTTP/1.1 200 ")) << server_.log();
  }
}

TEST_F(RestartTest, ARequestThatHasBegunIsFinishedByWhoeverBeganIt) {
  Fd client = manager_.Connect();
  std::string held;
  ASSERT_TRUE(SendAll(client,
                      "POST /echo HTTP/1.1\r\nHost: one.localhost\r\nContent-Type: "
                      "text/plain\r\nContent-Length: 6\r\n"
                      "\r\nabc"));
  // Received in part: one that was not read at all would be the next one's.
  Fd other = manager_.Connect();
  std::string other_held;
  ASSERT_TRUE(SendAll(other, kGet));
  EXPECT_THAT(ReadAnswer(other, other_held), StartsWith("HTTP/1.1 200 "));
  manager_.StartHearing();
  kill(server_.pid(), SIGTERM);
  ASSERT_TRUE(
      Eventually([&] { return server_.log().find("event=stopping") != std::string::npos; }));
  ASSERT_TRUE(SendAll(client, std::string("def") + kGet));
  EXPECT_THAT(ReadAnswer(client, held), HasSubstr("abcdef"));
  EXPECT_EQ(server_.Stop(), 0);
  manager_.StopHearing();
  EXPECT_EQ(manager_.kept(), 2u);
  server_.Restart();
  EXPECT_THAT(ReadAnswer(client, held), StartsWith("HTTP/1.1 200 ")) << server_.log();
}

// A client that never sends the rest, and a run without an end: neither holds a restart up.
TEST(DrainTest, EndsInItsTimeWhateverIsStillOnItsWay) {
  Manager manager(1000);
  ServerOptions options = manager.Options();
  options.more = {"--drain", "1"};
  Server server(options);
  server.Deploy("one", kProgram);
  server.DeployExample("runaways");
  Fd idle = manager.Connect();
  Fd partial = manager.Connect();
  Fd endless = manager.Connect();
  std::string held;
  ASSERT_TRUE(SendAll(partial, "GET /hello HTTP/1.1\r\nHo"));
  ASSERT_TRUE(SendAll(endless, "GET /spin HTTP/1.1\r\nHost: runaways.localhost\r\n\r\n"));
  ASSERT_TRUE(Eventually([&] {
    return server.Control("GET", "/runs").body.find("\"running\"") != std::string::npos;
  }));
  manager.StartHearing();
  EXPECT_EQ(server.Stop(), 0);
  manager.StopHearing();
  EXPECT_THAT(ReadAnswer(partial, held), StartsWith("HTTP/1.1 503 ")) << server.log();
  std::string answer = ReadAnswer(endless, held);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, HasSubstr("x-nightjar-verdict: stopping"));
  EXPECT_EQ(manager.kept(), 2u) << "the idle one, and that of the run that was ended";
  server.Restart();
  for (Fd* client : {&idle, &endless}) {
    ASSERT_TRUE(SendAll(*client, kGet));
    EXPECT_THAT(ReadAnswer(*client, held), StartsWith("HTTP/1.1 200 ")) << server.log();
  }
}

class NotKeptTest : public RestartTest {
 protected:
  NotKeptTest() : RestartTest(0) {}
};

TEST_F(NotKeptTest, AClientIsToldToGoByItsNextAnswer) {
  Fd client = manager_.Connect();
  Fd silent = manager_.Connect();
  std::string held;
  ASSERT_TRUE(SendAll(client, kGet));
  EXPECT_THAT(ReadAnswer(client, held), StartsWith("HTTP/1.1 200 "));
  kill(server_.pid(), SIGTERM);
  ASSERT_TRUE(
      Eventually([&] { return server_.log().find("event=stopping") != std::string::npos; }));
  ASSERT_TRUE(SendAll(client, kGet));
  std::string answer = ReadAnswer(client, held);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 ")) << server_.log();
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_EQ(ReadAnswer(silent, held), "the end, after ");
  EXPECT_EQ(server_.Stop(), 0);
}

}  // namespace
}  // namespace nightjar::e2e
