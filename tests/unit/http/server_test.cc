// Requests and answers over real sockets: order, framing, and clients that come and go.

#include "supervisor/http/server.h"

#include <algorithm>

#include "tests/unit/http/server_rig.h"

namespace nightjar::http {
namespace {

using ServerTest = ServerRig;

TEST_F(ServerTest, AnswersAndKeepsTheConnection) {
  Serve(Mode::kEcho);
  auto client = Client();
  client->Send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(Until([&] { return client->Has("GET /a ;"); }));
  EXPECT_EQ(client->received().rfind("HTTP/1.1 200 OK\r\nDate: ", 0), 0u);
  EXPECT_TRUE(client->Has("\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\nGET /a ;"));
  EXPECT_FALSE(client->Has("Connection:"));
  client->Send("GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(Until([&] { return client->Has("GET /b ;"); }));
  EXPECT_EQ(server_->connections(), 1u);
  EXPECT_FALSE(client->ended());
}

TEST_F(ServerTest, TakesARequestByteByByte) {
  Serve(Mode::kEcho);
  auto client = Client();
  std::string request =
      "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n"
      "\r\n";
  for (char byte : request) {
    client->Send({&byte, 1});
    Timer turn(rig_.loop(), [this] { rig_.loop().Stop(); });
    turn.StartAt(MonoTime{});
    ASSERT_TRUE(rig_.Run());
  }
  EXPECT_TRUE(Until([&] { return client->Has("POST /p abcde;"); }));
}

TEST_F(ServerTest, TellsWhoAsksAndWhen) {
  Serve(Mode::kKeep);
  auto client = Client();
  MonoTime before = clock_.Mono();
  client->Send(kGet);
  ASSERT_TRUE(Until([&] { return !asked_.empty(); }));
  EXPECT_EQ(asked_[0].request.peer, *BoundAddress(client->socket()));
  EXPECT_EQ(asked_[0].request.peer_uid, -1);
  EXPECT_GE(asked_[0].request.received, before);
  EXPECT_LE(asked_[0].request.received, clock_.Mono());
}

TEST_F(ServerTest, AnswersABurstInOrder) {
  Serve(Mode::kEcho);
  auto client = Client();
  std::string burst, expected;
  for (int i = 0; i < 200; ++i)
    burst += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  client->Send(burst);
  ASSERT_TRUE(Until([&] { return client->Has("/199 ;"); }));
  size_t at = 0;
  for (int i = 0; i < 200; ++i) {
    at = client->received().find("GET /" + std::to_string(i) + " ;", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
  EXPECT_EQ(requests_, 200u);
}

TEST_F(ServerTest, KeepsTheOrderHoweverItIsAnswered) {
  Serve(Mode::kKeep);
  auto client = Client();
  client->Send(
      "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\nGET /3 "
      "HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(Until([&] { return asked_.size() == 3; }));
  asked_[2].responder.Send(Text("third"));
  asked_[1].responder.Send(Text("second"));
  Quiesce();
  EXPECT_EQ(client->received(), "");
  asked_[0].responder.Send(Text("first"));
  ASSERT_TRUE(Until([&] { return client->Has("third"); }));
  EXPECT_LT(client->received().find("first"), client->received().find("second"));
  EXPECT_LT(client->received().find("second"), client->received().find("third"));
}

TEST_F(ServerTest, ReadsNoFurtherAheadThanThePipelineIsDeep) {
  Options options;
  options.pipeline_depth_max = 3;
  Serve(Mode::kKeep, options);
  auto client = Client();
  for (int i = 0; i < 10; ++i)
    client->Send("GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(Until([&] { return asked_.size() == 3; }));
  Quiesce();
  EXPECT_EQ(asked_.size(), 3u);
  // The second answer frees nothing while the first is out.
  asked_[1].responder.Send(Text("1"));
  Quiesce();
  EXPECT_EQ(asked_.size(), 3u);
  asked_[0].responder.Send(Text("0"));
  EXPECT_EQ(asked_.size(), 3u) << "a handler is not called from within Send";
  ASSERT_TRUE(Until([&] { return asked_.size() == 5; }));
  while (requests_ < 10 || !asked_.empty()) {
    asked_.pop_front();  // answered, or dropped
    if (asked_.empty() && requests_ < 10) {
      ASSERT_TRUE(Until([&] { return !asked_.empty(); }));
    }
  }
  EXPECT_TRUE(Until([&] { return client->Count("HTTP/1.1 ") == 10; }));
}

TEST_F(ServerTest, StopsReadingFromAClientThatDoesNotTakeItsAnswers) {
  Options options;
  options.pipeline_depth_max = 1000;
  Serve(Mode::kKeep, options);
  auto client = Client();
  client->StopReading();
  // Answered one by one, each with a megabyte, until nothing more is read.
  std::string request = kGet;
  size_t answered = 0;
  for (int i = 0; i < 40; ++i) client->Send(request);
  bool quiet = false;
  while (!quiet) {
    Quiesce();
    quiet = asked_.empty();
    for (Asked& asked : asked_) {
      asked.responder.Send(Text(std::string(1 << 20, 'x')));
      ++answered;
    }
    asked_.clear();
    client->Send(request);
    ASSERT_LT(answered, 1000u);
  }
  size_t read = requests_;
  for (int i = 0; i < 10; ++i) client->Send(request);
  Quiesce();
  EXPECT_EQ(requests_, read);
  client->StartReading();
  EXPECT_TRUE(Until([&] { return requests_ > read; }));
}

TEST_F(ServerTest, SendsLargeAnswersWhole) {
  Serve(Mode::kKeep);
  auto client = Client();
  client->Send(kGet + kGet);
  ASSERT_TRUE(Until([&] { return asked_.size() == 2; }));
  std::string body(8 << 20, '\0');
  for (size_t i = 0; i < body.size(); ++i)
    body[i] = static_cast<char>('a' + (i * 7 + i / 997) % 26);
  asked_[0].responder.Send(Text(body));
  asked_[1].responder.Send(Text("the end"));
  ASSERT_TRUE(Until([&] { return client->Has("the end"); }));
  size_t start = client->received().find("\r\n\r\n") + 4;
  EXPECT_EQ(client->received().compare(start, body.size(), body), 0);
}

TEST_F(ServerTest, OneThatIsDroppedAnswers500) {
  Serve(Mode::kKeep);
  auto client = Client();
  client->Send(kGet);
  ASSERT_TRUE(Until([&] { return !asked_.empty(); }));
  asked_.clear();
  ASSERT_TRUE(Until([&] { return client->Has("HTTP/1.1 500 Internal Server Error\r\n"); }));
  // An overwritten one was dropped as well.
  client->Send(kGet + kGet);
  ASSERT_TRUE(Until([&] { return asked_.size() == 2; }));
  asked_[0].responder = std::move(asked_[1].responder);
  asked_[0].responder.Send(Text("kept"));
  ASSERT_TRUE(Until([&] { return client->Has("kept"); }));
  EXPECT_EQ(client->Count("HTTP/1.1 500"), 2u);
}

TEST_F(ServerTest, HeadHasItsLengthButNoBody) {
  Serve(Mode::kEcho);
  auto client = Client();
  client->Send("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(Until([&] { return client->Has("GET /b ;"); }));
  EXPECT_TRUE(client->Has("Content-Length: 9\r\n\r\nHTTP/1.1 200"));
}

TEST_F(ServerTest, StatusesWithoutABodyHaveNone) {
  Serve(Mode::kKeep);
  auto client = Client();
  client->Send(kGet + kGet);
  ASSERT_TRUE(Until([&] { return asked_.size() == 2; }));
  Response response = Text("not sent");
  response.status = 204;
  asked_[0].responder.Send(std::move(response));
  asked_[1].responder.Send(Text("done"));
  ASSERT_TRUE(Until([&] { return client->Has("done"); }));
  EXPECT_EQ(client->received().rfind("HTTP/1.1 204 No Content\r\n", 0), 0u);
  EXPECT_FALSE(client->Has("not sent"));
  EXPECT_EQ(client->Count("Content-Length"), 1u);
}

TEST_F(ServerTest, ClosesWhereTheClientAsksForIt) {
  Serve(Mode::kEcho);
  auto last = Client();
  last->Send(
      "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: "
      "close\r\n\r\nGET /3 HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(Until([&] { return last->ended(); }));
  EXPECT_EQ(last->Count("Connection: close\r\n"), 1u);
  EXPECT_TRUE(last->Has("GET /2 ;"));
  EXPECT_EQ(requests_, 2u);
  auto old = Client();
  old->Send("GET /old HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(Until([&] { return old->ended(); }));
  EXPECT_TRUE(old->Has("Connection: close\r\n"));
  auto old_kept = Client();
  old_kept->Send("GET /kept HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  ASSERT_TRUE(Until([&] { return old_kept->Has("GET /kept ;"); }));
  EXPECT_TRUE(old_kept->Has("Connection: keep-alive\r\n"));
  EXPECT_FALSE(old_kept->ended());
}

TEST_F(ServerTest, AsksForABodyThatIsExpected) {
  Serve(Mode::kEcho);
  auto client = Client();
  client->Send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  ASSERT_TRUE(Until([&] { return client->Has("HTTP/1.1 100 Continue\r\n\r\n"); }));
  EXPECT_EQ(requests_, 0u);
  client->Send("ok");
  ASSERT_TRUE(Until([&] { return client->Has("POST / ok;"); }));
  EXPECT_EQ(client->Count("100 Continue"), 1u);
}

TEST_F(ServerTest, ContinueWaitsForTheAnswersBeforeIt) {
  Serve(Mode::kKeep);
  auto client = Client();
  client->Send(kGet +
               "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  ASSERT_TRUE(Until([&] { return asked_.size() == 1; }));
  Quiesce();
  EXPECT_EQ(client->received(), "");
  asked_[0].responder.Send(Text("first"));
  ASSERT_TRUE(Until([&] { return client->Has("100 Continue"); }));
  EXPECT_LT(client->received().find("first"), client->received().find("100 Continue"));
}

TEST_F(ServerTest, RefusesInItsPlaceAndCloses) {
  Serve(Mode::kKeep);
  auto client = Client();
  client->Send(kGet + "GET / HTTP/1.1\r\nno host\r\n\r\n" + kGet);
  ASSERT_TRUE(Until([&] { return asked_.size() == 1; }));
  Quiesce();
  EXPECT_EQ(client->received(), "");
  asked_[0].responder.Send(Text("first"));
  ASSERT_TRUE(Until([&] { return client->ended(); }));
  EXPECT_LT(client->received().find("first"), client->received().find("HTTP/1.1 400 Bad Request"));
  EXPECT_TRUE(client->Has("Connection: close\r\n"));
  EXPECT_EQ(requests_, 1u);
  client->Close();
  EXPECT_TRUE(Until([&] { return server_->connections() == 0; }));
}

TEST_F(ServerTest, ARefusalReachesAClientThatIsStillSending) {
  Options options;
  options.body_bytes_max = 1000;
  Serve(Mode::kEcho, options);
  auto client = Client();
  client->Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n");
  client->Send(std::string(500'000, 'x'));
  ASSERT_TRUE(Until([&] { return client->ended(); }));
  EXPECT_FALSE(client->was_reset());
  EXPECT_TRUE(client->Has("HTTP/1.1 413 "));
}

TEST_F(ServerTest, AClientThatEndsWithinARequestIsTold) {
  Serve(Mode::kEcho);
  auto client = Client();
  client->Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nshort");
  client->EndSending();
  ASSERT_TRUE(Until([&] { return client->ended(); }));
  EXPECT_TRUE(client->Has("HTTP/1.1 400 "));
  EXPECT_EQ(requests_, 0u);
}

TEST_F(ServerTest, AClientThatOnlyEndsItsSendingGetsItsAnswer) {
  Serve(Mode::kKeep);
  auto client = Client();
  client->Send(kGet);
  client->EndSending();
  ASSERT_TRUE(Until([&] { return !asked_.empty() && asked_[0].responder.client_gone(); }));
  asked_[0].responder.Send(Text("still here"));
  ASSERT_TRUE(Until([&] { return client->ended(); }));
  EXPECT_TRUE(client->Has("still here"));
}

TEST_F(ServerTest, AnAnswerForAClientThatIsGoneIsDropped) {
  Serve(Mode::kKeep);
  for (bool reset : {false, true}) {
    auto client = Client();
    client->Send(kGet + kGet);
    ASSERT_TRUE(Until([&] { return asked_.size() == 2; }));
    EXPECT_FALSE(asked_[0].responder.client_gone());
    reset ? client->Reset() : client->Close();
    ASSERT_TRUE(Until([&] { return asked_[0].responder.client_gone(); }));
    EXPECT_TRUE(asked_[1].responder.client_gone());
    asked_[1].responder.Send(Text("late"));
    asked_[0].responder.Send(Text(std::string(1 << 20, 'x')));
    asked_.clear();
    EXPECT_TRUE(Until([&] { return server_->connections() == 0; }));
  }
}

TEST_F(ServerTest, AClientThatLeavesIsSeenAlsoAfterItsLastRequest) {
  Serve(Mode::kKeep);
  auto client = Client();
  client->Send("GET / HTTP/1.0\r\n\r\nignored");
  ASSERT_TRUE(Until([&] { return asked_.size() == 1; }));
  client->Close();
  EXPECT_TRUE(Until([&] { return asked_[0].responder.client_gone(); }));
}

TEST_F(ServerTest, LeavesOutHeadersThatWouldBreakTheMessage) {
  Serve(Mode::kKeep);
  auto client = Client();
  client->Send(kGet);
  ASSERT_TRUE(Until([&] { return !asked_.empty(); }));
  Response response;
  response.status = 102;
  response.headers = {{"X-Good", "yes"},          {"X-Split", "a\r\nX-Evil: 1"},
                      {"X Space", "1"},           {"", "1"},
                      {"content-length", "9999"}, {"Transfer-Encoding", "chunked"},
                      {"Connection", "upgrade"},  {"X-Bytes", "\xff"}};
  response.body = "body";
  asked_[0].responder.Send(std::move(response));
  ASSERT_TRUE(Until([&] { return client->Has("body"); }));
  std::string text = client->received();
  size_t date = text.find("Date: ");
  text.erase(date, text.find("\r\n", date) + 2 - date);
  EXPECT_EQ(text,
            "HTTP/1.1 500 Internal Server Error\r\nX-Good: yes\r\nX-Bytes: \xff\r\n"
            "Content-Length: 4\r\n\r\nbody");
}

}  // namespace
}  // namespace nightjar::http
