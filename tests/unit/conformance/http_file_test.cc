// How a file with a request and a response is taken apart, and when two responses are the same.

#include "conformance/http_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "conformance/same_response.h"

namespace nightjar::conformance {
namespace {

Result<std::string> Import(const std::string& name) {
  if (name != "picture.png") return Fail(ErrorCode::kNotFound, name);
  return std::string("\x89PNG\r\n\0\n", 8);
}

HttpCase Read(std::string_view text) {
  auto one = ReadHttpFile(text, "test-it", Import);
  EXPECT_TRUE(one.has_value()) << one.error().ToString();
  return one ? std::move(*one) : HttpCase();
}

constexpr std::string_view kPlain =
    "[http-handler GET /a/:b]\n"
    "// says it\n"
    "[]\n"
    "\n"
    "[cors https://one.example,https://two.example]\n"
    "[secrets ONE:1,TWO:2:2]\n"
    "\n"
    "[http-bytes-handler POST /]\n"
    "blank\n"
    "\n"
    "[request]\n"
    "POST /a HTTP/1.1\n"
    "Host: HOST\n"
    "Content-Length: LENGTH\n"
    "\n"
    "two\n"
    "lines\n"
    "\n"
    "[response]\n"
    "HTTP/1.1 200 OK\n"
    "Content-Type: text/plain\n"
    "X-Canvas: CANVAS\n"
    "\n"
    "hello\n"
    "\n";

TEST(HttpFileTest, ReadsHandlersAndSettings) {
  HttpCase one = Read(kPlain);
  EXPECT_EQ(one.canvas, "test-it");
  ASSERT_EQ(one.handlers.size(), 2u);
  EXPECT_EQ(one.handlers[0].header, "http-handler GET /a/:b");
  EXPECT_EQ(one.handlers[0].code, "// says it\n[]\n\n");
  EXPECT_EQ(one.handlers[0].line, 1u);
  EXPECT_EQ(one.handlers[1].header, "http-bytes-handler POST /");
  EXPECT_THAT(one.cors, ::testing::ElementsAre("cors https://one.example,https://two.example"));
  EXPECT_THAT(one.secrets,
              ::testing::ElementsAre(::testing::Pair("ONE", "1"), ::testing::Pair("TWO", "2:2")));
}

TEST(HttpFileTest, MakesTheRequestAsItIsSent) {
  EXPECT_EQ(Read(kPlain).request,
            "POST /a HTTP/1.1\r\nHost: test-it.builtwithdark.localhost:10011\r\n"
            "Content-Length: 9\r\n\r\ntwo\nlines");
  EXPECT_EQ(
      Read("[request]\nGET /<SPACE>x HTTP/1.1\nHost: HOST\n\n\n\n[response]\nHTTP/1.1 200 OK\n")
          .request,
      "GET / x HTTP/1.1\r\nHost: test-it.builtwithdark.localhost:10011\r\n\r\n");
}

TEST(HttpFileTest, ReadsTheResponse) {
  RawResponse response = Read(kPlain).response;
  EXPECT_EQ(response.status_line, "HTTP/1.1 200 OK");
  EXPECT_THAT(response.headers,
              ::testing::ElementsAre(::testing::Pair("content-type", "text/plain"),
                                     ::testing::Pair("x-canvas", "test-it")));
  EXPECT_EQ(response.body, "hello");
  EXPECT_FALSE(response.body_names_host);
}

TEST(HttpFileTest, ImportsData) {
  HttpCase one = Read(
      "[canvas-name other]\n[custom-domain my.example]\n[request]\nPOST / HTTP/1.1\n"
      "Content-Length: LENGTH\n\n<IMPORT_DATA_FROM_FILE=picture.png>\n\n"
      "[response]\nHTTP/1.1 200 OK\n\n<IMPORT_DATA_FROM_FILE=picture.png>\n");
  EXPECT_EQ(one.canvas, "other");
  EXPECT_EQ(one.custom_domain, "my.example");
  std::string picture = *Import("picture.png");
  EXPECT_EQ(one.request, "POST / HTTP/1.1\r\nContent-Length: 8\r\n\r\n" + picture);
  EXPECT_EQ(one.response.body, picture);
}

TEST(HttpFileTest, RefusesWhatIsNoSuchFile) {
  EXPECT_FALSE(ReadHttpFile("[http-handler GET /]\n1\n", "c", Import).has_value());
  EXPECT_FALSE(ReadHttpFile("[request]\nGET /\n\n[response]\nnonsense\n", "c", Import).has_value());
  EXPECT_FALSE(ReadHttpFile("[request]\nGET /\n\n<IMPORT_DATA_FROM_FILE=gone>\n[response]\n"
                            "HTTP/1.1 200 OK\n",
                            "c", Import)
                   .has_value());
}

RawResponse Response(const std::string& text) {
  auto response = ParseRawResponse(text);
  EXPECT_TRUE(response.has_value());
  return response ? *response : RawResponse();
}

TEST(SameResponseTest, LooksAtStatusHeadersAndBody) {
  RawResponse actual = Response(
      "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 9\r\nX-A: 1\r\n"
      "x-nightjar-trace: id\r\n\r\n{ \"a\":1 }");
  EXPECT_TRUE(SameResponse(
      actual, Response("HTTP/1.1 200 OK\nContent-Length: LENGTH\nServer: darklang\nDate: xxx\n"
                       "x-a: 1\nx-darklang-execution-id: 1\n\n{\n  \"a\": 1\n}")));
  for (const char* other : {"HTTP/1.1 201 Created\nContent-Length: 9\nx-a: 1\n\n{\"a\":1}",
                            "HTTP/1.1 200 OK\nContent-Length: 8\nx-a: 1\n\n{\"a\":1}",
                            "HTTP/1.1 200 OK\nContent-Length: 9\nx-a: 2\n\n{\"a\":1}",
                            "HTTP/1.1 200 OK\nContent-Length: 9\n\n{\"a\":1}",
                            "HTTP/1.1 200 OK\nContent-Length: 9\nx-a: 1\nx-b: 1\n\n{\"a\":1}",
                            "HTTP/1.1 200 OK\nContent-Length: 9\nx-a: 1\n\n{\"a\":2}",
                            "HTTP/1.1 200 OK\nContent-Length: 9\nx-a: 1\n\n"})
    EXPECT_FALSE(SameResponse(actual, Response(other))) << other;
}

TEST(SameResponseTest, LetsTheServerWordItsOwnRefusals) {
  RawResponse expected = Response("HTTP/1.1 400 Bad Request\nConnection: close\n\n");
  EXPECT_TRUE(SameResponse(Response("HTTP/1.1 400 Bad Request\r\nDate: now\r\nConnection: close\r\n"
                                    "Content-Type: text/plain\r\nContent-Length: 4\r\n\r\nwhy\n"),
                           expected));
  EXPECT_FALSE(SameResponse(
      Response("HTTP/1.1 400 Bad Request\r\nDate: now\r\nContent-Length: 0\r\n\r\n"), expected));
  EXPECT_FALSE(SameResponse(Response("HTTP/1.1 200 OK\r\nDate: now\r\nConnection: close\r\n\r\n"),
                            expected));
}

}  // namespace
}  // namespace nightjar::conformance
