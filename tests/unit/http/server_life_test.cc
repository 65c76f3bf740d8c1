// Time, numbers and ends: deadlines, bounds on connections and bodies, destruction. Draining has a
// file of its own.

#include <chrono>

#include "tests/unit/http/server_rig.h"

namespace nightjar::http {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

class ServerLifeTest : public ServerRig {
 protected:
  // All but the time that a test is about are out of reach.
  static Options Patient() {
    Options options;
    options.header_time = options.body_time = options.idle_time = options.write_time = hours(1);
    options.linger_time = hours(1);
    return options;
  }
};

TEST_F(ServerLifeTest, ASlowHeaderIs408) {
  Options options = Patient();
  options.header_time = milliseconds(20);
  Serve(Mode::kEcho, options);
  auto client = Client();
  client->Send("GET / HTTP/1.1\r\nHo");
  ASSERT_TRUE(Until([&] { return client->ended(); }));
  EXPECT_TRUE(client->Has("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_TRUE(client->Has("Connection: close\r\n"));
}

TEST_F(ServerLifeTest, AHeaderInDripsIs408AllTheSame) {
  Options options = Patient();
  options.header_time = milliseconds(30);
  Serve(Mode::kEcho, options);
  auto client = Client();
  client->Send("GET / HTTP/1.1\r\nX: ");
  Timer drip(rig_.loop(), [&] { client->Send("x"); });
  drip.StartEvery(milliseconds(2));
  ASSERT_TRUE(Until([&] { return client->Has("HTTP/1.1 408 "); }));
}

TEST_F(ServerLifeTest, ASlowBodyIs408) {
  Options options = Patient();
  options.body_time = milliseconds(20);
  Serve(Mode::kEcho, options);
  auto client = Client();
  client->Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  ASSERT_TRUE(Until([&] { return client->ended(); }));
  EXPECT_TRUE(client->Has("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_EQ(requests_, 0u);
}

TEST_F(ServerLifeTest, AnIdleConnectionIsClosedWithoutAWord) {
  Options options = Patient();
  options.idle_time = milliseconds(20);
  Serve(Mode::kEcho, options);
  auto silent = Client();
  auto once = Client();
  once->Send(kGet);
  ASSERT_TRUE(Until([&] { return silent->ended() && once->ended(); }));
  EXPECT_EQ(silent->received(), "");
  EXPECT_EQ(once->Count("HTTP/1.1 "), 1u);
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(ServerLifeTest, WaitingForAHandlerIsNotIdle) {
  Options options = Patient();
  options.idle_time = milliseconds(10);
  Serve(Mode::kKeep, options);
  auto client = Client();
  client->Send(kGet);
  ASSERT_TRUE(Until([&] { return !asked_.empty(); }));
  auto other = Client();
  ASSERT_TRUE(Until([&] { return other->ended(); }));
  EXPECT_FALSE(client->ended());
  asked_[0].responder.Send(Text("at last"));
  ASSERT_TRUE(Until([&] { return client->ended(); }));
  EXPECT_TRUE(client->Has("at last"));
}

TEST_F(ServerLifeTest, AClientThatTakesNothingIsDropped) {
  Options options = Patient();
  options.write_time = milliseconds(30);
  Serve(Mode::kKeep, options);
  auto client = Client();
  client->StopReading();
  client->Send(kGet);
  ASSERT_TRUE(Until([&] { return !asked_.empty(); }));
  asked_[0].responder.Send(Text(std::string(32 << 20, 'x')));
  EXPECT_EQ(server_->connections(), 1u);
  EXPECT_TRUE(Until([&] { return server_->connections() == 0; }));
}

TEST_F(ServerLifeTest, LingeringEnds) {
  Options options = Patient();
  options.linger_time = milliseconds(20);
  Serve(Mode::kEcho, options);
  auto client = Client();
  client->Send("GARBAGE\r\n\r\n");
  ASSERT_TRUE(Until([&] { return client->ended(); }));
  EXPECT_TRUE(client->Has("HTTP/1.1 400 "));
  // The client does not close: the server does not wait for it for ever.
  EXPECT_TRUE(Until([&] { return server_->connections() == 0; }));
}

TEST_F(ServerLifeTest, LingeringReadsOnlySoMuch) {
  Serve(Mode::kEcho, Patient());
  auto client = Client();
  client->Send("GARBAGE\r\n\r\n");
  std::string flood(64 * 1024, 'x');
  Timer pour(rig_.loop(), [&] { client->Send(flood); });
  pour.StartEvery(std::chrono::microseconds(100));
  EXPECT_TRUE(Until([&] { return client->Has("HTTP/1.1 400 ") && server_->connections() == 0; }));
}

TEST_F(ServerLifeTest, OneConnectionTooManyIs503) {
  Options options = Patient();
  options.connections_max = 2;
  Serve(Mode::kEcho, options);
  auto first = Client();
  auto second = Client();
  ASSERT_TRUE(Until([&] { return server_->connections() == 2; }));
  auto third = Client();
  ASSERT_TRUE(Until([&] { return third->ended(); }));
  EXPECT_EQ(third->received().rfind("HTTP/1.1 503 Service Unavailable\r\n", 0), 0u);
  EXPECT_EQ(server_->turned_away(), 1u);
  first->Close();
  ASSERT_TRUE(Until([&] { return server_->connections() == 1; }));
  auto fourth = Client();
  fourth->Send(kGet);
  EXPECT_TRUE(Until([&] { return fourth->Has("HTTP/1.1 200"); }));
}

TEST_F(ServerLifeTest, BodiesOfAllClientsShareABound) {
  Options options = Patient();
  options.body_bytes_max = 100;
  options.bodies_bytes_max = 150;
  Serve(Mode::kKeep, options);
  std::string post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 80\r\n\r\n";
  std::string body(80, 'b');
  auto first = Client();
  first->Send(post + body);
  ASSERT_TRUE(Until([&] { return asked_.size() == 1; }));
  auto second = Client();
  second->Send(post + body);
  ASSERT_TRUE(Until([&] { return second->ended(); }));
  EXPECT_TRUE(second->Has("HTTP/1.1 503 "));
  second->Close();
  // An answer gives the room back, and so does a client that leaves.
  asked_.clear();
  ASSERT_TRUE(Until([&] { return first->Has("HTTP/1.1 500"); }));
  for (int round = 0; round < 3; ++round) {
    auto again = Client();
    again->Send(post + body);
    ASSERT_TRUE(Until([&] { return asked_.size() == 1; }));
    again->Close();
    ASSERT_TRUE(Until([&] { return asked_[0].responder.client_gone(); }));
    asked_.clear();
    auto partly = Client();
    partly->Send(post + body.substr(1));
    partly->EndSending();
    ASSERT_TRUE(Until([&] { return partly->Has("HTTP/1.1 400"); }));
    partly->Close();
    ASSERT_TRUE(Until([&] { return server_->connections() == 1; }));
  }
}

TEST_F(ServerLifeTest, DrainsAtOnceWhereNobodyIsThere) {
  Serve(Mode::kEcho);
  bool drained = false;
  server_->Drain(nullptr, [&] {
    drained = true;
    server_.reset();
  });
  EXPECT_FALSE(drained) << "it is told from the loop";
  EXPECT_TRUE(Until([&] { return drained; }));
}

TEST_F(ServerLifeTest, MayBeDrainedAndDestroyedInItsHandler) {
  for (bool destroy : {false, true}) {
    auto listener = ListenTcp("127.0.0.1:0");
    ASSERT_TRUE(listener.has_value());
    address_ = *BoundAddress(*listener);
    bool drained = false;
    auto server = Server::Create(rig_.loop(), clock_, std::move(*listener), Patient(),
                                 [&](Request, Responder responder) {
                                   ++requests_;
                                   if (destroy) {
                                     server_.reset();
                                   } else {
                                     server_->Drain(nullptr, [&] { drained = true; });
                                   }
                                   responder.Send(Text("bye"));
                                 });
    ASSERT_TRUE(server.has_value());
    server_ = std::move(*server);
    requests_ = 0;
    auto client = Client();
    client->Send(kGet + kGet + kGet);
    ASSERT_TRUE(Until([&] { return client->ended(); }));
    // What was read before the stop is answered.
    EXPECT_EQ(requests_, destroy ? 1u : 3u);
    EXPECT_EQ(client->Count("bye"), destroy ? 0u : 3u);
    EXPECT_EQ(client->Count("Connection: close\r\n"), destroy ? 0u : 1u);
    client->Close();
    ASSERT_TRUE(Until([&] { return destroy || drained; }));
  }
}

TEST_F(ServerLifeTest, RespondersOutliveTheServer) {
  Serve(Mode::kKeep);
  auto client = Client();
  client->Send(kGet + kGet);
  ASSERT_TRUE(Until([&] { return asked_.size() == 2; }));
  server_.reset();
  EXPECT_TRUE(asked_[0].responder.client_gone());
  asked_[0].responder.Send(Text("too late"));
  asked_.clear();
  ASSERT_TRUE(Until([&] { return client->ended(); }));
  EXPECT_EQ(client->received(), "");
}

TEST_F(ServerLifeTest, ManyClientsComeAndGoInEveryState) {
  Serve(Mode::kKeep, Patient());
  const std::string pieces[] = {"",
                                "GET /",
                                kGet,
                                kGet + kGet + "POST ",
                                "GARBAGE\r\n\r\n",
                                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"};
  uint64_t random = 42;
  for (int round = 0; round < 300; ++round) {
    random = random * 6364136223846793005ull + 1442695040888963407ull;
    auto client = Client();
    client->Send(pieces[(random >> 33) % 6]);
    if ((random >> 40) % 2 == 0) {
      Timer turn(rig_.loop(), [this] { rig_.loop().Stop(); });
      turn.StartAfter(std::chrono::microseconds((random >> 45) % 300));
      ASSERT_TRUE(rig_.Run());
    }
    (random >> 50) % 2 == 0 ? client->Reset() : client->Close();
    if ((random >> 51) % 4 == 0) asked_.clear();
  }
  asked_.clear();
  EXPECT_TRUE(Until([&] { return server_->connections() == 0; }));
}

}  // namespace
}  // namespace nightjar::http
