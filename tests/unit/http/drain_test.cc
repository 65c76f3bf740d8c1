// A server's stop: what its clients have begun is finished, and connections go to whoever keeps
// them, or end so that no client is surprised.

#include <chrono>
#include <vector>

#include "tests/unit/http/server_rig.h"

namespace nightjar::http {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr const char* kPost = "POST /late HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n";

class DrainTest : public ServerRig {
 protected:
  static Options Patient() {
    Options options;
    options.header_time = options.body_time = options.idle_time = options.write_time = hours(1);
    options.linger_time = options.drain_idle_time = hours(1);
    return options;
  }
  void Drain() {
    server_->Drain(nullptr, [this] { ++drained_; });
  }
  void DrainAndKeep() {
    server_->Drain([this](Fd connection) { kept_.push_back(std::move(connection)); },
                   [this] { ++drained_; });
  }
  // The next process: another server, on another port, that gets what was kept.
  void StartTheNext() {
    EXPECT_EQ(server_->connections(), 0u);
    server_.reset();
    Serve(Mode::kEcho, Patient());
    for (Fd& connection : kept_) server_->Adopt(std::move(connection));
    kept_.clear();
  }

  std::vector<Fd> kept_;
  int drained_ = 0;
};

TEST_F(DrainTest, WhatIsInFlightIsAnsweredAndThenTheClientIsToldToGo) {
  Serve(Mode::kKeep, Patient());
  auto busy = Client();
  busy->Send(kGet + kGet);
  ASSERT_TRUE(Until([&] { return asked_.size() == 2; }));
  Drain();
  busy->Send(kGet);
  asked_[0].responder.Send(Text("first"));
  asked_[1].responder.Send(Text("second"));
  ASSERT_TRUE(Until([&] { return busy->ended(); }));
  EXPECT_FALSE(busy->was_reset());
  EXPECT_TRUE(busy->Has("Connection: close\r\n\r\nsecond"));
  EXPECT_EQ(busy->Count("Connection: close"), 1u);
  EXPECT_EQ(requests_, 2u);
  busy->Close();
  ASSERT_TRUE(Until([&] { return drained_ > 0; }));
  Quiesce();
  EXPECT_EQ(drained_, 1);
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(DrainTest, AnIdleClientMaySendOneMoreRequest) {
  Serve(Mode::kEcho, Patient());
  auto used = Client();
  auto fresh = Client();
  used->Send(kGet);
  ASSERT_TRUE(Until([&] { return used->Has("GET / ;") && server_->connections() == 2; }));
  Drain();
  Quiesce();
  EXPECT_FALSE(used->ended());
  for (auto* client : {used.get(), fresh.get()}) {
    client->Send("GET /more HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(Until([&] { return client->ended(); }));
    EXPECT_TRUE(client->Has("Connection: close\r\n\r\nGET /more ;"));
    EXPECT_FALSE(client->was_reset());
    client->Close();
  }
  EXPECT_TRUE(Until([&] { return drained_ == 1; }));
}

TEST_F(DrainTest, ASilentClientIsClosedSoon) {
  Options options = Patient();
  options.drain_idle_time = milliseconds(20);
  Serve(Mode::kEcho, options);
  auto client = Client();
  client->Send(kGet);
  ASSERT_TRUE(Until([&] { return client->Has("GET / ;"); }));
  Drain();
  ASSERT_TRUE(Until([&] { return client->ended() && drained_ == 1; }));
  EXPECT_FALSE(client->was_reset());
}

// A listener that is closed resets who waits there.
TEST_F(DrainTest, WhoHasConnectedIsServed) {
  Serve(Mode::kEcho, Patient());
  auto client = Client();
  client->Send(kGet);
  Drain();
  ASSERT_TRUE(Until([&] { return client->ended(); }));
  EXPECT_TRUE(client->Has("Connection: close\r\n\r\nGET / ;"));
}

TEST_F(DrainTest, ARequestThatHasBegunIsReceivedToItsEnd) {
  Serve(Mode::kEcho, Patient());
  auto client = Client();
  client->Send(kPost);
  ASSERT_TRUE(Until([&] { return server_->connections() == 1; }));
  Quiesce();
  Drain();
  client->Send("body");
  ASSERT_TRUE(Until([&] { return client->ended(); }));
  EXPECT_TRUE(client->Has("Connection: close\r\n\r\nPOST /late body;"));
}

TEST_F(DrainTest, AtTheEndOfItsTimeWhatHasNotComeIsRefused) {
  Serve(Mode::kKeep, Patient());
  auto idle = Client();
  auto partial = Client();
  auto busy = Client();
  partial->Send("GET / HT");
  busy->Send(kGet);
  ASSERT_TRUE(Until([&] { return asked_.size() == 1 && server_->connections() == 3; }));
  Quiesce();
  Drain();
  server_->EndDrain();
  ASSERT_TRUE(Until([&] { return idle->ended() && partial->ended(); }));
  EXPECT_EQ(idle->received(), "");
  EXPECT_TRUE(partial->Has("HTTP/1.1 503 "));
  EXPECT_TRUE(partial->Has("Retry-After: 1\r\n"));
  EXPECT_FALSE(busy->ended());
  asked_[0].responder.Send(Text("in the end"));
  ASSERT_TRUE(Until([&] { return busy->ended(); }));
  EXPECT_TRUE(busy->Has("Connection: close\r\n\r\nin the end"));
}

TEST_F(DrainTest, AKeptConnectionGoesOnAsIfNothingHadHappened) {
  Serve(Mode::kEcho, Patient());
  auto used = Client();
  auto fresh = Client();
  used->Send(kGet);
  ASSERT_TRUE(Until([&] { return used->Has("GET / ;") && server_->connections() == 2; }));
  for (int turn = 0; turn < 3; ++turn) {
    DrainAndKeep();
    ASSERT_TRUE(Until([&] { return drained_ == turn + 1; }));
    EXPECT_EQ(kept_.size(), 2u);
    // Into the gap between the two.
    std::string path = "/" + std::to_string(turn);
    for (auto* client : {used.get(), fresh.get()})
      client->Send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
    StartTheNext();
    for (auto* client : {used.get(), fresh.get()})
      ASSERT_TRUE(Until([&] { return client->Has("GET " + path + " ;"); }));
  }
  EXPECT_FALSE(used->Has("Connection: close"));
  EXPECT_FALSE(used->ended());
  // And it closes as any other does.
  used->Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(Until([&] { return used->ended(); }));
}

TEST_F(DrainTest, RequestsInFlightAreAnsweredBeforeTheConnectionIsKept) {
  Options options = Patient();
  options.pipeline_depth_max = 2;  // the third is read and not yet parsed
  Serve(Mode::kKeep, options);
  auto client = Client();
  client->Send(kGet + kGet + kGet);
  ASSERT_TRUE(Until([&] { return asked_.size() == 2; }));
  DrainAndKeep();
  client->Send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
  Quiesce();
  EXPECT_EQ(kept_.size(), 0u);
  for (size_t at = 0; at < 3; ++at) {
    ASSERT_TRUE(Until([&] { return asked_.size() > at; }));
    asked_[at].responder.Send(Text("answer;"));
  }
  ASSERT_TRUE(Until([&] { return kept_.size() == 1; }));
  EXPECT_EQ(requests_, 3u);
  StartTheNext();
  ASSERT_TRUE(Until([&] { return client->Has("GET /next ;"); }));
  EXPECT_EQ(client->Count("answer;"), 3u);
  EXPECT_FALSE(client->Has("Connection: close"));
}

// However its bytes are cut, and whatever comes behind them.
TEST_F(DrainTest, OnlyTheRequestThatHasBegunIsTakenOffAConnection) {
  const std::string late = std::string(kPost) + "body";
  const std::string chunked =
      "PUT /late HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n";
  for (const std::string& begun : {late, chunked}) {
    for (size_t cut = 1; cut < begun.size(); cut += 3) {
      Serve(Mode::kEcho, Patient());
      auto client = Client();
      client->Send(begun.substr(0, cut));
      ASSERT_TRUE(Until([&] { return server_->connections() == 1; }));
      Quiesce();
      DrainAndKeep();
      Quiesce();
      ASSERT_EQ(kept_.size(), 0u) << cut;
      // The rest in two pieces; the second has the next request whole and one more in part.
      size_t middle = cut + (begun.size() - cut) / 2;
      client->Send(begun.substr(cut, middle - cut));
      Quiesce();
      client->Send(begun.substr(middle) + kGet + "GET /two HTTP/1.1\r\nHo");
      ASSERT_TRUE(Until([&] { return kept_.size() == 1; })) << cut;
      EXPECT_TRUE(client->Has(" /late body;")) << client->received();
      EXPECT_FALSE(client->Has("GET / ;"));
      StartTheNext();
      client->Send("st: a\r\n\r\n");
      ASSERT_TRUE(Until([&] { return client->Has("GET / ;") && client->Has("GET /two ;"); }));
      EXPECT_EQ(client->Count("HTTP/1.1 200"), 3u);
      requests_ = 0;
    }
  }
}

TEST_F(DrainTest, AClientThatHasEndedItsSideIsNotKept) {
  Serve(Mode::kKeep, Patient());
  auto client = Client();
  client->Send(kGet);
  client->EndSending();
  ASSERT_TRUE(Until([&] { return asked_.size() == 1 && asked_[0].responder.client_gone(); }));
  DrainAndKeep();
  asked_[0].responder.Send(Text("bye"));
  ASSERT_TRUE(Until([&] { return client->ended() && drained_ == 1; }));
  EXPECT_TRUE(client->Has("bye"));
  EXPECT_EQ(kept_.size(), 0u);
}

TEST_F(DrainTest, AnAnswerThatAskedForTheEndIsTheEnd) {
  Serve(Mode::kKeep, Patient());
  auto client = Client();
  client->Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(Until([&] { return asked_.size() == 1; }));
  DrainAndKeep();
  asked_[0].responder.Send(Text("bye"));
  ASSERT_TRUE(Until([&] { return client->ended() && drained_ == 1; }));
  EXPECT_EQ(kept_.size(), 0u);
}

TEST_F(DrainTest, WhatNobodyKeepsAfterAllEndsAsWithoutAKeeper) {
  Serve(Mode::kKeep, Patient());
  auto idle = Client();
  auto busy = Client();
  busy->Send(kGet);
  ASSERT_TRUE(Until([&] { return asked_.size() == 1 && server_->connections() == 2; }));
  DrainAndKeep();
  ASSERT_EQ(kept_.size(), 1u);
  server_->StopKeeping();
  server_->Adopt(std::move(kept_[0]));
  asked_[0].responder.Send(Text("busy"));
  idle->Send(kGet);
  ASSERT_TRUE(Until([&] { return asked_.size() == 2; }));
  asked_[1].responder.Send(Text("idle"));
  ASSERT_TRUE(Until([&] { return idle->ended() && busy->ended(); }));
  EXPECT_TRUE(busy->Has("Connection: close\r\n\r\nbusy"));
  EXPECT_TRUE(idle->Has("Connection: close\r\n\r\nidle"));
}

TEST_F(DrainTest, ABrokenConnectionIsNotAdopted) {
  Serve(Mode::kEcho, Patient());
  server_->Adopt(Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(DrainTest, AdoptedConnectionsCountAgainstTheBound) {
  Serve(Mode::kEcho, Patient());
  auto first = Client();
  auto second = Client();
  ASSERT_TRUE(Until([&] { return server_->connections() == 2; }));
  DrainAndKeep();
  server_.reset();
  Options options = Patient();
  options.connections_max = 1;
  Serve(Mode::kEcho, options);
  for (Fd& connection : kept_) server_->Adopt(std::move(connection));
  EXPECT_EQ(server_->connections(), 1u);
  EXPECT_EQ(server_->turned_away(), 1u);
  EXPECT_TRUE(Until([&] { return first->Has("HTTP/1.1 503 ") || second->Has("HTTP/1.1 503 "); }));
}

}  // namespace
}  // namespace nightjar::http
