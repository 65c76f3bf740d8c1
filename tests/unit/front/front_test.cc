// What the front door says without a run, and how it words a request for a worker.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "supervisor/front/answers.h"
#include "supervisor/front/http_message.h"

namespace nightjar {
namespace {

http::Request Ask(std::string method, std::string target, http::HeaderList headers = {}) {
  http::Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.host = "shop.example.com";
  request.headers = std::move(headers);
  return request;
}

std::string HeaderIn(const http::Response& response, const std::string& name) {
  for (const auto& [own, value] : response.headers)
    if (own == name) return value;
  return "";
}

proto::Manifest Allowing(std::initializer_list<const char*> origins) {
  proto::Manifest manifest;
  for (const char* origin : origins) manifest.mutable_cors()->add_origins(origin);
  return manifest;
}

std::string OriginFor(const proto::Manifest& manifest, const std::string& origin) {
  http::HeaderList headers;
  if (!origin.empty()) headers.emplace_back("ORIGIN", origin);
  return AllowedOrigin(Ask("GET", "/", headers), manifest).value_or("left out");
}

TEST(AnswersTest, AllowsEverybodyWhereACanvasSaysNothing) {
  EXPECT_EQ(OriginFor({}, ""), "*");
  EXPECT_EQ(OriginFor({}, "https://page.example"), "*");
  EXPECT_EQ(OriginFor({}, "http://localhost:3000"), "http://localhost:3000");
}

TEST(AnswersTest, AllowsTheOriginsThatACanvasNames) {
  proto::Manifest two = Allowing({"https://a.example", "http://b.example:8000"});
  EXPECT_EQ(OriginFor(two, "http://b.example:8000"), "http://b.example:8000");
  EXPECT_EQ(OriginFor(two, "http://B.example:8000"), "null");
  EXPECT_EQ(OriginFor(two, "https://a.example/path"), "null");
  EXPECT_EQ(OriginFor(two, "http://localhost:3000"), "null");
  EXPECT_EQ(OriginFor(two, ""), "left out");
  EXPECT_EQ(OriginFor(Allowing({"*"}), ""), "*");
}

TEST(AnswersTest, AnswersPreflightsOfRoutesThatDoNotTakeOptions) {
  http::HeaderList headers = {{"Origin", "https://a.example"},
                              {"Access-Control-Request-Headers", "x-one, x-two"}};
  auto answer =
      UnroutedAnswer(Ask("OPTIONS", "/", headers), RouteMatch(), Allowing({"https://a.example"}));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200u);
  EXPECT_EQ(answer->body, "");
  EXPECT_EQ(HeaderIn(*answer, "Access-Control-Allow-Origin"), "https://a.example");
  EXPECT_EQ(HeaderIn(*answer, "Access-Control-Allow-Headers"), "x-one, x-two");
  EXPECT_EQ(HeaderIn(*answer, "Access-Control-Allow-Methods"),
            "GET,PUT,POST,DELETE,PATCH,HEAD,OPTIONS");
  auto stranger =
      UnroutedAnswer(Ask("OPTIONS", "/"), RouteMatch(), Allowing({"https://a.example"}));
  EXPECT_TRUE(stranger->headers.empty());
}

TEST(AnswersTest, SaysWhyThereIsNoHandler) {
  EXPECT_EQ(UnroutedAnswer(Ask("GET", "/x"), RouteMatch(), {})->status, 404u);
  RouteMatch clash;
  clash.kind = RouteMatch::Kind::kAmbiguous;
  auto answer = UnroutedAnswer(Ask("GET", "/x?y=1"), clash, {});
  EXPECT_EQ(answer->status, 500u);
  EXPECT_THAT(answer->body, ::testing::EndsWith("More than one handler for route: /x"));
  RouteMatch found;
  found.kind = RouteMatch::Kind::kFound;
  EXPECT_FALSE(UnroutedAnswer(Ask("OPTIONS", "/x"), found, {}));
}

TEST(AnswersTest, LetsTheProgramsOwnHeaderWin) {
  proto::Header own;
  own.set_name("access-control-allow-origin");
  own.set_value("https://mine.example");
  http::Response response = RunAnswer(200, {own}, "body", "*");
  ASSERT_EQ(response.headers.size(), 1u);
  EXPECT_EQ(response.headers[0].second, "https://mine.example");
  EXPECT_EQ(HeaderIn(RunAnswer(200, {}, "", "*"), "Access-Control-Allow-Origin"), "*");
  EXPECT_TRUE(RunAnswer(400, {}, "", std::nullopt).headers.empty());
}

std::string UrlFor(const std::string& host, const std::string& proto, bool bytes = false) {
  http::HeaderList headers = {{"Host", host}};
  if (!proto.empty()) headers.emplace_back("X-Forwarded-Proto", proto);
  proto::HandlerEntry handler;
  handler.set_bytes(bytes);
  return UrlOf(Ask("GET", "/a?x=1", headers), handler);
}

TEST(HttpMessageTest, SaysTheUrlThatTheClientAskedFor) {
  EXPECT_EQ(UrlFor("Shop.localhost:8080", ""), "http://Shop.localhost:8080/a?x=1");
  EXPECT_EQ(UrlFor("shop.localhost:80", ""), "http://shop.localhost/a?x=1");
  EXPECT_EQ(UrlFor("[::1]:8080", ""), "http://[::1]:8080/a?x=1");
  EXPECT_EQ(UrlFor("[::1]", ""), "http://[::1]/a?x=1");
  http::Request old = Ask("GET", "/");  // HTTP/1.0 without Host
  EXPECT_EQ(UrlOf(old, {}), "http://shop.example.com/");
}

TEST(HttpMessageTest, TakesTheSchemeThatAProxyHasSeen) {
  EXPECT_EQ(UrlFor("shop.localhost:8080", "https"), "https://shop.localhost/a?x=1");
  EXPECT_EQ(UrlFor("shop.localhost:8080", "https", true), "https://shop.localhost/a?x=1");
  EXPECT_EQ(UrlFor("shop.localhost", "ftp"), "ftp://shop.localhost:80/a?x=1");
  EXPECT_EQ(UrlFor("shop.localhost", "ftp", true), "http://shop.localhost/a?x=1");
  EXPECT_EQ(UrlFor("shop.localhost", "not a scheme"), "http://shop.localhost/a?x=1");
}

TEST(HttpMessageTest, GivesNoBodyToAGet) {
  http::Request get = Ask("GET", "/");
  get.body = "ignored";
  EXPECT_EQ(TakeBody(&get), "");
  http::Request post = Ask("POST", "/");
  post.body = "kept";
  EXPECT_EQ(TakeBody(&post), "kept");
}

TEST(HttpMessageTest, CarriesEverythingElse) {
  RouteMatch match;
  match.vars = {{"id", "7"}};
  proto::HttpRequest out;
  FillHttp(Ask("PUT", "/users/7?a=b", {{"X-A", "\xff"}}), match, {}, &out);
  EXPECT_EQ(out.method(), "PUT");
  EXPECT_EQ(out.path(), "/users/7");
  EXPECT_EQ(out.query(), "a=b");
  ASSERT_EQ(out.headers_size(), 1);
  EXPECT_EQ(out.headers(0).value(), "\xff");
  ASSERT_EQ(out.route_vars_size(), 1);
  EXPECT_EQ(out.route_vars(0).name(), "id");
}

}  // namespace
}  // namespace nightjar
