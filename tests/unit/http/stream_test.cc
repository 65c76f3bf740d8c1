// Answers that come bit by bit.

#include <gmock/gmock.h>

#include "tests/unit/http/server_rig.h"

namespace nightjar::http {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

class StreamTest : public ServerRig {
 protected:
  StreamTest() { Serve(Mode::kKeep); }

  std::unique_ptr<testing::RawClient> Ask(const std::string& request = kGet) {
    auto client = Client();
    size_t before = requests_;
    client->Send(request);
    EXPECT_TRUE(Until([&] { return requests_ > before; }));
    return client;
  }
  std::unique_ptr<ResponseStream> Begin(size_t at = 0, std::string first = "") {
    return asked_[at].responder.Stream(Text(std::move(first)));
  }
};

TEST_F(StreamTest, ComesInChunksAsItIsWritten) {
  auto client = Ask();
  auto stream = Begin();
  ASSERT_TRUE(Until([&] { return client->Has("\r\n\r\n"); }));
  EXPECT_THAT(client->received(), HasSubstr("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(client->received(), HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(client->received(), Not(HasSubstr("Content-Length")));
  EXPECT_TRUE(stream->Write("hello, world: seventeen"));
  ASSERT_TRUE(Until([&] { return client->Has("17\r\nhello, world: seventeen\r\n"); }));
  EXPECT_TRUE(stream->Write(""));  // no chunk: it would be the end
  EXPECT_TRUE(stream->Write("b"));
  ASSERT_TRUE(Until([&] { return client->Has("1\r\nb\r\n"); }));
  stream.reset();
  ASSERT_TRUE(Until([&] { return client->Has("0\r\n\r\n"); }));
  EXPECT_THAT(client->received(), EndsWith("1\r\nb\r\n0\r\n\r\n"));
  EXPECT_FALSE(client->ended());
}

TEST_F(StreamTest, TheHeadMayBringTheFirstBytes) {
  auto client = Ask();
  auto stream = Begin(0, "first");
  ASSERT_TRUE(Until([&] { return client->Has("5\r\nfirst\r\n"); }));
}

TEST_F(StreamTest, KeepsItsPlaceAmongPipelinedAnswers) {
  auto client = Client();
  client->Send(kGet + kGet + kGet);
  ASSERT_TRUE(Until([&] { return requests_ == 3; }));
  auto stream = Begin(1, "two");
  asked_[2].responder.Send(Text("three"));
  Quiesce();
  EXPECT_EQ(client->received(), "");
  asked_[0].responder.Send(Text("one"));
  ASSERT_TRUE(Until([&] { return client->Has("3\r\ntwo\r\n"); }));
  EXPECT_FALSE(client->Has("three"));
  stream.reset();
  ASSERT_TRUE(Until([&] { return client->Has("three"); }));
  EXPECT_LT(client->received().find("one"), client->received().find("two"));
  EXPECT_LT(client->received().find("0\r\n\r\n"), client->received().find("three"));
}

TEST_F(StreamTest, OneThatEndsAtOnceIsWhole) {
  auto client = Ask();
  Begin(0, "all").reset();
  ASSERT_TRUE(Until([&] { return client->Has("0\r\n\r\n"); }));
  EXPECT_THAT(client->received(), EndsWith("3\r\nall\r\n0\r\n\r\n"));
}

TEST_F(StreamTest, ToAClientOfHttp10TheEndOfTheConnectionIsTheEnd) {
  auto client = Ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  auto stream = Begin(0, "raw");
  ASSERT_TRUE(Until([&] { return client->Has("raw"); }));
  EXPECT_THAT(client->received(), Not(HasSubstr("Transfer-Encoding")));
  EXPECT_THAT(client->received(), HasSubstr("Connection: close\r\n"));
  stream.reset();
  ASSERT_TRUE(Until([&] { return client->ended(); }));
  EXPECT_THAT(client->received(), EndsWith("\r\n\r\nraw"));
}

TEST_F(StreamTest, AHeadRequestGetsTheHeadAlone) {
  auto client = Ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto stream = Begin(0, "body");
  EXPECT_TRUE(stream->Write("more"));
  stream.reset();
  client->Send(kGet);
  ASSERT_TRUE(Until([&] { return requests_ == 2; }));
  asked_[1].responder.Send(Text("next"));
  ASSERT_TRUE(Until([&] { return client->Has("next"); }));
  EXPECT_THAT(client->received(), Not(HasSubstr("body")));
  EXPECT_THAT(client->received(), Not(HasSubstr("0\r\n\r\n")));
}

TEST_F(StreamTest, TellsOnceThatItsClientIsGoneAndMayBeEndedInThat) {
  auto client = Ask();
  auto stream = Begin();
  int told = 0;
  stream->OnGone([&] {
    ++told;
    stream.reset();
  });
  client.reset();
  ASSERT_TRUE(Until([&] { return told > 0 && server_->connections() == 0; }));
  Quiesce();
  EXPECT_EQ(told, 1);
}

TEST_F(StreamTest, AWriteAfterTheClientIsGoneTakesNothing) {
  auto client = Ask();
  auto stream = Begin();
  client.reset();
  ASSERT_TRUE(Until([&] { return !stream->Write("x"); }));
  ASSERT_TRUE(Until([&] { return server_->connections() == 0 || !stream->Write("y"); }));
}

TEST_F(StreamTest, OutlivesItsServer) {
  auto client = Ask();
  auto stream = Begin();
  bool told = false;
  stream->OnGone([&] { told = true; });
  server_.reset();
  EXPECT_FALSE(stream->Write("x"));
  ASSERT_TRUE(Until([&] { return told; }));
  stream.reset();
}

// What the reader does not take is not heaped up.
TEST_F(StreamTest, ASlowReaderIsToldByTheWriteThatTakesNothing) {
  auto client = Client();
  client->StopReading();
  client->Send(kGet);
  ASSERT_TRUE(Until([&] { return requests_ == 1; }));
  auto stream = Begin();
  const std::string piece(64 * 1024, 'x');
  size_t taken = 0;
  while (stream->Write(piece)) ASSERT_LT(taken += piece.size(), 64u << 20);
  EXPECT_GE(taken, bounds::kHttpOutboxBytes);
}

}  // namespace
}  // namespace nightjar::http
