#include "supervisor/http/request_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace nightjar::http {
namespace {

using namespace std::string_literals;
using Step = RequestParser::Step;

struct Outcome {
  std::vector<ParsedRequest> requests;
  unsigned refused = 0;
  std::string reason;
  size_t continues = 0;
  size_t left = 0;
};

// As a connection drives it: bytes arrive in pieces of `piece`, what is not taken is offered again.
Outcome Drive(std::string_view bytes, size_t piece, const Options& options = {}) {
  RequestParser parser(options);
  Outcome outcome;
  std::string kept;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    kept.append(bytes.substr(at, piece));
    std::string_view rest = kept;
    for (;;) {
      Step step = parser.Parse(rest);
      if (step == Step::kRequest) outcome.requests.push_back(parser.Take());
      if (step == Step::kContinue) ++outcome.continues;
      if (step == Step::kRefused) {
        outcome.refused = parser.refusal().status;
        outcome.reason = parser.refusal().reason;
        return outcome;
      }
      if (step == Step::kMore) break;
    }
    kept.erase(0, kept.size() - rest.size());
  }
  outcome.left = kept.size();
  return outcome;
}

// Whole, and in every small piece size: the outcome must not depend on where packets end.
Outcome DriveEveryWay(std::string_view bytes, const Options& options = {}) {
  Outcome whole = Drive(bytes, bytes.size() + 1, options);
  for (size_t piece : {1, 2, 3, 4, 5, 7, 16, 61}) {
    Outcome split = Drive(bytes, piece, options);
    EXPECT_EQ(split.refused, whole.refused) << piece << " bytes a piece: " << bytes.substr(0, 200);
    EXPECT_EQ(split.requests.size(), whole.requests.size()) << piece;
    for (size_t i = 0; i < std::min(split.requests.size(), whole.requests.size()); ++i) {
      EXPECT_EQ(split.requests[i].request.target, whole.requests[i].request.target);
      EXPECT_EQ(split.requests[i].request.headers, whole.requests[i].request.headers);
      EXPECT_EQ(split.requests[i].request.body, whole.requests[i].request.body);
    }
  }
  return whole;
}

TEST(RequestParserTest, TakesARequestApart) {
  Outcome outcome = DriveEveryWay(
      "POST /users/7?x=1 HTTP/1.1\r\nHost: Demo.localhost:8080\r\nX-Tag: a\r\nx-tag:  b \r\n"
      "Content-Length: 5\r\n\r\nhello");
  ASSERT_EQ(outcome.requests.size(), 1u);
  const Request& request = outcome.requests[0].request;
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/users/7?x=1");
  EXPECT_EQ(request.host, "demo.localhost");
  EXPECT_EQ(request.body, "hello");
  EXPECT_EQ(request.headers, (HeaderList{{"Host", "Demo.localhost:8080"},
                                         {"X-Tag", "a"},
                                         {"x-tag", "b"},
                                         {"Content-Length", "5"}}));
  EXPECT_TRUE(outcome.requests[0].keep_alive);
  EXPECT_EQ(outcome.left, 0u);
}

TEST(RequestParserTest, TakesChunksWithExtensionsAndTrailers) {
  Outcome outcome = DriveEveryWay(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "5;name=value\r\nhello\r\n1\r\n \r\n0006;q=\"x\"\r\nworld!\r\n0\r\nX-Trailer: 1\r\nOther: "
      "2\r\n\r\n"
      "GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_EQ(outcome.requests.size(), 2u);
  EXPECT_EQ(outcome.requests[0].request.body, "hello world!");
  EXPECT_EQ(outcome.requests[0].request.headers.size(), 2u) << "trailers are not headers";
  EXPECT_EQ(outcome.requests[1].request.target, "/next");
}

TEST(RequestParserTest, AnEmptyChunkedBodyMayCloseTheInput) {
  Outcome outcome =
      DriveEveryWay("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  ASSERT_EQ(outcome.requests.size(), 1u);
  EXPECT_EQ(outcome.requests[0].request.body, "");
}

TEST(RequestParserTest, SeparatesPipelinedRequestsAndLetsEmptyLinesPass) {
  Outcome outcome = DriveEveryWay(
      "\r\n\r\nGET /1 HTTP/1.1\r\nHost: a\r\n\r\n\r\nPOST /2 HTTP/1.1\r\nHost: "
      "a\r\nContent-Length: "
      "2\r\n\r\nok\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_EQ(outcome.requests.size(), 3u);
  EXPECT_EQ(outcome.requests[1].request.body, "ok");
  EXPECT_EQ(outcome.requests[2].request.target, "/3");
}

TEST(RequestParserTest, KnowsWhichConnectionsStay) {
  struct Case {
    std::string text;
    bool keep_alive;
  };
  const Case cases[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n", false},
      {"GET / HTTP/1.0\r\n\r\n", false},
      {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
  };
  for (const Case& c : cases) {
    Outcome outcome = DriveEveryWay(c.text);
    ASSERT_EQ(outcome.requests.size(), 1u) << c.text;
    EXPECT_EQ(outcome.requests[0].keep_alive, c.keep_alive) << c.text;
  }
}

TEST(RequestParserTest, SplitsAbsoluteTargets) {
  struct Case {
    std::string target, host, path;
  };
  const Case cases[] = {
      {"http://Demo.localhost:8080/a?b=/c", "demo.localhost", "/a?b=/c"},
      {"HTTPS://demo", "demo", "/"},
      {"http://demo?q", "demo", "/?q"},
      {"http://[::1]:80/", "[::1]", "/"},
      {"/http://x/", "a", "/http://x/"},
      {"//x/y", "a", "//x/y"},
  };
  for (const Case& c : cases) {
    Outcome outcome = DriveEveryWay("GET " + c.target + " HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_EQ(outcome.requests.size(), 1u) << c.target;
    EXPECT_EQ(outcome.requests[0].request.host, c.host);
    EXPECT_EQ(outcome.requests[0].request.target, c.path);
  }
}

TEST(RequestParserTest, HandsOddButLawfulRequestsThrough) {
  for (std::string text :
       {"BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", "get / HTTP/1.1\r\nHost: a\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: \xff\xfe\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: \ttab\tinside\t\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
        "GET /?q=<>\"{}|^` HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.0\r\nExpect: cake\r\n\r\n"}) {
    Outcome outcome = DriveEveryWay(text);
    EXPECT_EQ(outcome.requests.size(), 1u) << text << outcome.reason;
  }
}

TEST(RequestParserTest, AsksForTheBodyOnceAndOnlyWhereItIsAwaited) {
  std::string head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n";
  EXPECT_EQ(Drive(head + "Content-Length: 2\r\n\r\n", 9999).continues, 1u);
  EXPECT_EQ(Drive(head + "Content-Length: 2\r\n\r\n", 1).continues, 1u);
  EXPECT_EQ(Drive(head + "Transfer-Encoding: chunked\r\n\r\n", 1).continues, 1u);
  // The body is on its way already, or there is none.
  EXPECT_EQ(Drive(head + "Content-Length: 2\r\n\r\nok", 9999).continues, 0u);
  EXPECT_EQ(Drive(head + "Content-Length: 0\r\n\r\n", 9999).continues, 0u);
  EXPECT_EQ(Drive(head + "\r\n", 9999).requests.size(), 1u);
  Outcome outcome = Drive(head + "Content-Length: 2\r\n\r\nok", 1);
  EXPECT_EQ(outcome.continues, 1u);
  ASSERT_EQ(outcome.requests.size(), 1u);
  EXPECT_EQ(outcome.requests[0].request.body, "ok");
}

TEST(RequestParserTest, TellsWhereARequestStands) {
  Options options;
  RequestParser parser(options);
  auto parse = [&](std::string_view bytes) {
    Step step = parser.Parse(bytes);
    EXPECT_EQ(step, Step::kMore);
    return std::string(bytes);
  };
  EXPECT_EQ(parser.phase(), RequestParser::Phase::kIdle);
  parse("\r\n");
  EXPECT_EQ(parser.phase(), RequestParser::Phase::kIdle);
  std::string kept = parse("POST / HT");
  EXPECT_EQ(parser.phase(), RequestParser::Phase::kHeader);
  parse(kept + "TP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345");
  EXPECT_EQ(parser.phase(), RequestParser::Phase::kBody);
  EXPECT_EQ(parser.body_bytes(), 5u);
}

TEST(RequestParserTest, RefusesMalformedRequestsWithTheRightStatus) {
  const std::string chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  struct Case {
    unsigned status;
    std::string text;
  };
  const Case cases[] = {
      // request lines
      {400, "GARBAGE\r\n\r\n"},
      {400, " GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "G@T / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET hello/test HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET * HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET /h\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"s},
      {400, std::string(bounds::kHttpMethodBytes + 1, 'A') + " / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET /\r\n\r\n"},
      {505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"},
      {505, "GET / HTTP/1.2\r\nHost: a\r\n\r\n"},
      {505, "GET / HTTP/0.9\r\n\r\n"},
      {505, "GET / http/1.1\r\nHost: a\r\n\r\n"},
      {505, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"},
      {505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      // headers
      {400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\n: empty\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\x01z\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\x7fz\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\0z\r\n\r\n"s},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\rY: b\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nX\xc3\xa9: a\r\n\r\n"},
      // Host
      {400, "GET / HTTP/1.1\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"},
      // framing
      {400,
       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {400,
       "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 2\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 1\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n"},
      {400,
       "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
       "chunked\r\n\r\n"},
      {400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
      {501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n"},
      {501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n"},
      // chunks
      {400, chunked + "x\r\nhello\r\n"},
      {400, chunked + "-1\r\nhello\r\n"},
      {400, chunked + "0x5\r\nhello\r\n\r\n"},
      {400, chunked + "5\r\nhello!\r\n0\r\n\r\n"},
      {400, chunked + "5\nhello\r\n0\r\n\r\n"},
      {400, chunked + "5 5\r\nhello\r\n0\r\n\r\n"},
      {400, chunked + "fffffffffffffffff\r\nhello\r\n"},
      {400, chunked + "0\r\nbad trailer\r\n\r\n"},
      {400, chunked + "0\r\nContent-Length: 5\r\n\r\n"},
      // expectations
      {417, "POST / HTTP/1.1\r\nHost: a\r\nExpect: cake\r\nContent-Length: 1\r\n\r\n"},
      {417, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue, cake\r\n\r\n"},
  };
  for (const Case& c : cases) {
    Outcome outcome = DriveEveryWay(c.text);
    EXPECT_EQ(outcome.refused, c.status) << c.text << outcome.reason;
    EXPECT_TRUE(outcome.requests.empty()) << c.text;
  }
}

TEST(RequestParserTest, KeepsItsBounds) {
  Options options;
  options.header_bytes_max = 1000;
  options.header_count_max = 5;
  options.target_bytes_max = 100;
  options.body_bytes_max = 50;
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\n";
  std::string lines;
  for (int i = 0; i < 5; ++i) lines += "X-" + std::to_string(i) + ": 1\r\n";
  const std::string ok(50, 'b'), over(51, 'b');
  struct Case {
    unsigned status;
    std::string text;
  };
  const Case cases[] = {
      {0, "GET /" + std::string(99, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n"},
      {414, "GET /" + std::string(100, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n"},
      {414, "GET /" + std::string(3000, 'a')},
      {0, head + "X: " + std::string(900, 'x') + "\r\n\r\n"},
      {431, head + "X: " + std::string(1000, 'x') + "\r\n\r\n"},
      {431, head + "X: " + std::string(5000, 'x')},
      {431, head + lines + "\r\n"},
      {0, head + "Content-Length: 50\r\n\r\n" + ok},
      {413, head + "Content-Length: 51\r\n\r\n"},
      {413, head + "Expect: 100-continue\r\nContent-Length: 51\r\n\r\n"},
      {413, head + "Content-Length: 18446744073709551615\r\n\r\n"},
      {0, head + "Transfer-Encoding: chunked\r\n\r\n32\r\n" + ok + "\r\n0\r\n\r\n"},
      {413, head + "Transfer-Encoding: chunked\r\n\r\n33\r\n" + over + "\r\n0\r\n\r\n"},
      {413, head + "Transfer-Encoding: chunked\r\n\r\n32\r\n" + ok + "\r\n1\r\nb\r\n0\r\n\r\n"},
      {400, head + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(2000, 'e')},
      {431, head + "Transfer-Encoding: chunked\r\n\r\n0\r\n" + lines + "\r\n"},
      {400, head + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + std::string(2000, 'x')},
  };
  for (const Case& c : cases) {
    Outcome outcome = DriveEveryWay(c.text, options);
    EXPECT_EQ(outcome.refused, c.status) << c.text.substr(0, 90) << outcome.reason;
    EXPECT_EQ(outcome.requests.size(), c.status == 0 ? 1u : 0u) << c.text.substr(0, 90);
  }
}

TEST(RequestParserTest, StaysRefused) {
  Options options;
  RequestParser parser(options);
  std::string_view bad = "GARBAGE\r\n\r\n";
  EXPECT_EQ(parser.Parse(bad), Step::kRefused);
  std::string_view good = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(parser.Parse(good), Step::kRefused);
}

// Not a fuzzer, but what one would find in its first second: lawful requests with a few bytes
// changed, cut into pieces anywhere, never trip a check, and never depend on the cut.
TEST(RequestParserTest, SurvivesMutations) {
  const std::string seeds[] = {
      "POST /a?b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
      "chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nT: "
      "1\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n",
      "PUT http://h:1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: "
      "100-continue\r\n\r\nhello",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  };
  const std::string bytes = "\0\r\n\t :;,=0159afgxX\x7f\x80\xff/*"s;
  uint64_t random = 88172645463325252ull;  // xorshift64: the same run every time
  auto next = [&random](size_t below) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return static_cast<size_t>(random % below);
  };
  for (int round = 0; round < 30'000; ++round) {
    std::string text = seeds[next(3)];
    for (size_t changes = 1 + next(3); changes > 0 && !text.empty(); --changes) {
      size_t at = next(text.size());
      switch (next(3)) {
        case 0:
          text[at] = bytes[next(bytes.size())];
          break;
        case 1:
          text.erase(at, 1 + next(3));
          break;
        default:
          text.insert(at, 1, bytes[next(bytes.size())]);
      }
    }
    if (text.empty()) continue;
    Outcome whole = Drive(text, text.size());
    Outcome split = Drive(text, 1 + next(9));
    ASSERT_EQ(split.requests.size(), whole.requests.size()) << text;
    // In pieces a refusal may still be waiting for bytes that Beast wants to see before it judges.
    if (split.refused != 0) {
      ASSERT_EQ(split.refused, whole.refused) << text;
    }
  }
}

}  // namespace
}  // namespace nightjar::http
