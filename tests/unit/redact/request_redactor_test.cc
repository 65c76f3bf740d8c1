// What of a request may be shown, and what must not be seen anywhere else.

#include "ipc/redact/request_redactor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipc/core/bounds.h"

namespace nightjar {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

proto::Redaction Usual() {
  proto::Redaction wish;
  wish.add_drop("defaults");
  return wish;
}

class RequestRedactorTest : public ::testing::Test {
 protected:
  std::string Body(const std::string& type, const std::string& body) {
    std::string room;
    return std::string(redactor_.Body(type, body, &room));
  }
  std::string Json(const std::string& body) { return Body("application/json", body); }
  std::vector<std::string> Hidden() const {
    std::vector<std::string> texts;
    for (const HiddenText& one : redactor_.hidden().texts) texts.push_back(one.text);
    return texts;
  }

  RequestRedactor redactor_{RedactionRules(Usual())};
};

TEST_F(RequestRedactorTest, NamesAreFoundInAnySpelling) {
  for (const char* name : {"password", "PassWord", "pass_word", "pass-word"})
    EXPECT_EQ(redactor_.Query(std::string(name) + "=x"), std::string(name) + "=<redacted>");
  for (const char* name : {"passwords", "passwor", "my_password", ""})
    EXPECT_EQ(redactor_.Query(std::string(name) + "=x"), std::string(name) + "=x");
}

TEST_F(RequestRedactorTest, AnAuthorizationIsHiddenWithItsParts) {
  EXPECT_EQ(redactor_.Header("Authorization", "Bearer abc.def-123"), "<redacted>");
  EXPECT_THAT(Hidden(), Contains("Bearer abc.def-123"));
  EXPECT_THAT(Hidden(), Contains("abc.def-123"));
  redactor_.Header("authorization", "Basic am9lOnN3b3JkZmlzaA==");
  EXPECT_THAT(Hidden(), Contains("joe:swordfish"));
  EXPECT_THAT(Hidden(), Contains("swordfish"));
  redactor_.Header("proxy-authorization", "Digest username=\"someone\", response=\"6629fae4\"");
  EXPECT_THAT(Hidden(), Contains("6629fae4"));
  EXPECT_EQ(redactor_.Header("Accept", "text/html"), "text/html");
}

TEST_F(RequestRedactorTest, EachCookieIsHiddenAsItStandsAndDecoded) {
  EXPECT_EQ(redactor_.Header("Cookie", "a=1; session=abc%2Fdefg; x"), "<redacted>");
  EXPECT_THAT(Hidden(), Contains("abc%2Fdefg"));
  EXPECT_THAT(Hidden(), Contains("abc/defg"));
}

TEST_F(RequestRedactorTest, WhereCookiesMayBeShownTheirOwnNamesCount) {
  proto::Redaction wish;
  wish.add_drop("token");
  RequestRedactor redactor{RedactionRules(wish)};
  EXPECT_EQ(redactor.Header("cookie", "a=1; token=abcdefg"), "a=1; token=<redacted>");
}

TEST_F(RequestRedactorTest, AQueryKeepsAllButTheValues) {
  EXPECT_EQ(redactor_.Url("/login?a=1&token=abc+def%21&b&token=&user[password]=x"),
            "/login?a=1&token=<redacted>&b&token=&user[password]=<redacted>");
  EXPECT_THAT(Hidden(), Contains("abc+def%21"));
  EXPECT_THAT(Hidden(), Contains("abc def!"));
  EXPECT_EQ(redactor_.Header("Referer", "http://x/?%74oken=1"), "http://x/?%74oken=<redacted>");
}

TEST_F(RequestRedactorTest, AVariableOfTheRouteIsHiddenInThePath) {
  redactor_.AddRouteVariable("token", "abc/def g");
  redactor_.AddRouteVariable("id", "7");
  EXPECT_EQ(redactor_.Url("http://host/reset/abc/def%20g/7?x=1"),
            "http://host/reset/<redacted>/<redacted>/7?x=1");
}

TEST_F(RequestRedactorTest, JsonKeepsItsShape) {
  EXPECT_EQ(Json(R"({"user": {"password" : "a\"b", "name": "n"}, "n": [1, true]})"),
            R"({"user": {"password" : "<redacted>", "name": "n"}, "n": [1, true]})");
  EXPECT_EQ(Json(R"({"token": 12345678, "secret": null, "a": 1})"),
            R"({"token": "<redacted>", "secret": null, "a": 1})");
  EXPECT_THAT(Hidden(), Contains("12345678"));
}

TEST_F(RequestRedactorTest, AllInsideOfANamedFieldIsHidden) {
  EXPECT_EQ(
      Json(R"({"secret": {"a": "one", "b": [2, {"c": "x"}]}, "d": "e"})"),
      R"({"secret": {"a": "<redacted>", "b": ["<redacted>", {"c": "<redacted>"}]}, "d": "e"})");
}

TEST_F(RequestRedactorTest, EscapesAndCommentsHideNoName) {
  EXPECT_EQ(Json(R"({"pass\u0077ord": "x"})"), R"({"pass\u0077ord": "<redacted>"})");
  EXPECT_EQ(Json("{\"password\" /* : */ : // \"\n \"x\"}"),
            "{\"password\" /* : */ : // \"\n \"<redacted>\"}");
  Json(R"({"token": "\ud83d\ude00\u00e9abc\n"})");
  EXPECT_THAT(Hidden(), Contains("\xf0\x9f\x98\x80\xc3\xa9"
                                 "abc\n"));
}

TEST_F(RequestRedactorTest, WhatIsNoJsonIsReadAsFarAsItGoes) {
  EXPECT_EQ(Json(R"({"password": "abcdefg)"), R"({"password": "<redacted>")");
  EXPECT_EQ(Json(R"("password":"x"}}] "b": "c")"), R"("password":"<redacted>"}}] "b": "c")");
  EXPECT_EQ(Json(R"({"password":)"), R"({"password":)");
  EXPECT_EQ(Json(R"({"password": abc def})"), R"({"password": "<redacted>" "<redacted>"})");
  EXPECT_EQ(Json("\\\"/"), "\\\"/");
  EXPECT_EQ(Json(R"({"password": "x": "y", "b": "z"})"),
            R"({"password": "<redacted>": "<redacted>", "b": "z"})");
}

TEST_F(RequestRedactorTest, DeepJsonIsLeftOutAndSoIsEveryText) {
  std::string deep(bounds::kRedactedLevels, '[');
  EXPECT_THAT(Json(deep + "{\"password\": \"x\"}"), Not(HasSubstr("password")));
  EXPECT_TRUE(redactor_.hidden().all);
}

TEST_F(RequestRedactorTest, ADottedNameIsTheEndOfAPath) {
  proto::Redaction wish;
  wish.add_drop("card.number");
  RequestRedactor redactor{RedactionRules(wish)};
  std::string room;
  EXPECT_EQ(
      redactor.Body("application/json",
                    R"({"a": [{"card": {"number": 1}}, {"number": 2}], "card.number": 3})", &room),
      R"({"a": [{"card": {"number": "<redacted>"}}, {"number": 2}], "card.number": "<redacted>"})");
  EXPECT_EQ(redactor.Query("card[number]=1&card.number=2&number=3"),
            "card[number]=<redacted>&card.number=<redacted>&number=3");
}

TEST_F(RequestRedactorTest, FormsAndPartsAreReadByTheirType) {
  EXPECT_EQ(Body("application/x-www-form-urlencoded; charset=utf-8", "a=1&password=x"),
            "a=1&password=<redacted>");
  const std::string before =
      "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XX\r\n"
      "content-disposition: form-data; name=\"password\"\r\n\r\n";
  EXPECT_EQ(Body("multipart/form-data; boundary=XX", before + "one\r\ntwo\r\n--XX--\r\n"),
            before + "<redacted>\r\n--XX--\r\n");
  EXPECT_THAT(Hidden(), Contains("one\r\ntwo"));
  EXPECT_EQ(Body("text/plain", "password=x"), "password=x");
  EXPECT_EQ(Body("", "{\"password\": 1}"), "{\"password\": \"<redacted>\"}");
}

TEST_F(RequestRedactorTest, ABodyWithNothingToHideIsItself) {
  const std::string body = "{\"a\": 1}";
  std::string room;
  EXPECT_EQ(redactor_.Body("application/json", body, &room).data(), body.data());
}

TEST_F(RequestRedactorTest, MoreThanCanBeSearchedForHidesEverything) {
  std::string body = "[";
  for (size_t i = 0; i <= bounds::kMaskedTexts; ++i)
    body += "{\"token\": \"token-" + std::to_string(i) + "\"},";
  std::string shown = Json(body + "{}]");
  EXPECT_TRUE(redactor_.hidden().all);
  EXPECT_THAT(shown, Not(HasSubstr("token-")));
}

TEST_F(RequestRedactorTest, AHashTellsEqualValuesOfOneCanvasWhereverTheyStand) {
  proto::Redaction wish;
  wish.add_drop("defaults");
  wish.add_hash("token");
  wish.set_key(CanvasRedactionKey("host", "demo"));
  RequestRedactor redactor{RedactionRules(wish)};
  std::string room;
  std::string query = redactor.Query("token=a%21b");
  ASSERT_EQ(query.size(), std::string("token=<sha256:0123456789abcdef>").size());
  std::string hash = query.substr(6);
  EXPECT_THAT(hash, ::testing::StartsWith("<sha256:"));
  EXPECT_EQ(redactor.Query("password=x"), "password=<redacted>");
  EXPECT_EQ(redactor.Body("", R"({"token":"a\u0021b"})", &room), "{\"token\":\"" + hash + "\"}");
  EXPECT_NE(redactor.Query("token=other").substr(6), hash);
  wish.set_key(CanvasRedactionKey("host", "other"));
  EXPECT_NE(RequestRedactor{RedactionRules(wish)}.Query("token=a%21b").substr(6), hash);
}

TEST_F(RequestRedactorTest, WithoutAKeyNothingIsHashed) {
  proto::Redaction wish;
  wish.add_hash("token");
  EXPECT_EQ(RequestRedactor{RedactionRules(wish)}.Query("token=abc"), "token=<redacted>");
  EXPECT_EQ(CanvasRedactionKey("", "demo"), "");
}

}  // namespace
}  // namespace nightjar
