#include "worker/exec/cgi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nightjar {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

void AddHeader(proto::HttpRequest* request, const std::string& name, const std::string& value) {
  request->add_headers()->set_name(name);
  request->mutable_headers()->rbegin()->set_value(value);
}

TEST(CgiEnvironmentTest, TellsTheRequest) {
  proto::HttpRequest request;
  request.set_method("POST");
  request.set_url("http://demo.example/items/7?a=b");
  request.set_path("/items/7");
  request.set_query("a=b");
  AddHeader(&request, "Content-Type", "text/plain");
  AddHeader(&request, "X-Some_Thing", "1");
  request.add_route_vars()->set_name("id");
  request.mutable_route_vars(0)->set_value("7");
  EXPECT_THAT(EnvironmentOf(request, 12),
              AllOf(Contains("REQUEST_METHOD=POST"),
                    Contains("REQUEST_URI=http://demo.example/items/7?a=b"),
                    Contains("PATH_INFO=/items/7"), Contains("QUERY_STRING=a=b"),
                    Contains("CONTENT_LENGTH=12"), Contains("CONTENT_TYPE=text/plain"),
                    Contains("HTTP_X_SOME_THING=1"), Contains("ROUTE_ID=7")));
}

TEST(CgiEnvironmentTest, LetsNoCallerSetWhatIsNotARequests) {
  proto::HttpRequest request;
  AddHeader(&request, "Proxy", "http://evil");
  AddHeader(&request, "Content-Length", "999");
  AddHeader(&request, "X=Y", std::string("a\0b", 3));
  auto environment = EnvironmentOf(request, 0);
  EXPECT_THAT(environment, Not(Contains(StartsWith("HTTP_PROXY="))));
  EXPECT_THAT(environment, Not(Contains(HasSubstr("999"))));
  EXPECT_THAT(environment, Contains("HTTP_X_Y=a"));
}

CgiAnswer Answer(const std::string& output) {
  auto answer = ReadCgiAnswer(output);
  EXPECT_TRUE(answer) << answer.error().context;
  return answer ? *answer : CgiAnswer{};
}

TEST(CgiAnswerTest, TakesAHeaderThatIsOne) {
  CgiAnswer answer =
      Answer("Content-Type: text/html\r\nStatus: 201 Made\nX-A:  b c \n\n<b>hello</b>\n");
  EXPECT_EQ(answer.status, 201u);
  ASSERT_EQ(answer.headers.size(), 2u);
  EXPECT_EQ(answer.headers[0].name(), "Content-Type");
  EXPECT_EQ(answer.headers[0].value(), "text/html");
  EXPECT_EQ(answer.headers[1].value(), "b c");
  EXPECT_EQ(answer.body, "<b>hello</b>\n");
  EXPECT_EQ(Answer("Location: /there\n\n").status, 302u);
  EXPECT_EQ(Answer("Location: /there\nStatus: 307\n\n").status, 307u);
}

TEST(CgiAnswerTest, EverythingElseIsABody) {
  for (const char* output : {"hello", "a: b\n\nc", "Content-Type: text/html\nno colon here\n\nx",
                             "Content-Type: text/html\n", "\n", ""}) {
    CgiAnswer answer = Answer(output);
    EXPECT_EQ(answer.status, 200u);
    EXPECT_EQ(answer.body, output);
    ASSERT_EQ(answer.headers.size(), 1u) << output;
    EXPECT_EQ(answer.headers[0].value(), "text/plain; charset=utf-8");
  }
  EXPECT_EQ(Answer("\xff\xfe").headers[0].value(), "application/octet-stream");
}

TEST(CgiAnswerTest, RefusesAHeaderThatIsBroken) {
  for (const char* output : {"Status: 99\n\n", "Status: 20x\n\n", "Status:\n\n", "Status: 1000\n\n",
                             "Content-Type: a\x01z\n\n", "Content-Type: text/html\nX: a\x7f\n\n"})
    EXPECT_FALSE(ReadCgiAnswer(output)) << output;
  std::string many = "Status: 200\n";
  for (int i = 0; i < 101; ++i) many += "X-" + std::to_string(i) + ": y\n";
  EXPECT_FALSE(ReadCgiAnswer(many + "\n"));
}

}  // namespace
}  // namespace nightjar
