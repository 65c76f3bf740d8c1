// What a trace shows of a run whose input has things in it that no trace may show.

#include <gmock/gmock.h>

#include "ipc/redact/rules.h"
#include "tests/unit/lang/engine_rig.h"

namespace nightjar::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class RedactionTest : public ::testing::Test, protected EngineRig {
 protected:
  using EngineRig::Run;

  RedactionTest() { limits.mutable_redaction()->add_drop("defaults"); }

  void Handler(const std::string& expression, const std::string& method = "POST") {
    Load("[http-handler " + method + " /]\n" + expression + "\n");
  }
  // Every byte of the run's events.
  std::string Trace() const {
    std::string bytes;
    for (const proto::TraceEvent& event : events) bytes += event.SerializeAsString();
    return bytes;
  }
  std::string Input() const { return events.at(0).run_start().input().ShortDebugString(); }
};

TEST_F(RedactionTest, TheProgramSeesWhatNoTraceShows) {
  Handler(
      "let bare = String.dropFirst_v0 request.headers.authorization 7\n"
      "bare ++ \"|\" ++ request.cookies.session ++ \"|\" ++ request.jsonBody.user.password ++ "
      "\"|\" ++ request.queryParams.token");
  AddHeader("Authorization", "Bearer bearer-4711");
  AddHeader("Cookie", "a=b; session=session-4711");
  AddHeader("Content-Type", "application/json");
  request.set_url("http://demo/?token=query%2D4711");
  request.set_query("token=query%2D4711");
  body = R"({"user": {"password": "json\u002d4711", "name": "joe"}})";
  RunOutcome outcome = Run("POST /");
  EXPECT_EQ(outcome.body, "\"bearer-4711|session-4711|json-4711|query-4711\"") << outcome.error;
  EXPECT_THAT(Trace(), Not(HasSubstr("4711")));
  EXPECT_THAT(Input(), HasSubstr("joe"));
  EXPECT_THAT(Input(), HasSubstr("<redacted>"));
  EXPECT_GE(events.size(), 4u);
}

TEST_F(RedactionTest, WithoutNamesTheInputIsAsItCame) {
  limits.clear_redaction();
  Handler("request.queryParams.token");
  request.set_query("token=query-4711");
  EXPECT_EQ(Run("POST /").body, "\"query-4711\"");
  EXPECT_THAT(Input(), HasSubstr("query-4711"));
}

TEST_F(RedactionTest, ShortValuesAreLeftOutWhereTheyAreNamed) {
  Handler("1");
  request.set_url("http://demo/?token=qq1&a=b");
  request.set_query("token=qq1&a=b");
  AddHeader("Content-Type", "application/json");
  body = R"({"password": "jj1", "token": 77123, "list": [{"api_key": ["kk1", true]}]})";
  Run("POST /");
  for (const char* text : {"qq1", "jj1", "77123", "kk1"})
    EXPECT_THAT(Trace(), Not(HasSubstr(text))) << text;
  EXPECT_THAT(Input(), HasSubstr("<redacted>"));
}

TEST_F(RedactionTest, AFormsFieldsAreNamedByWhatStandsInBrackets) {
  Handler("1");
  AddHeader("Content-Type", "application/x-www-form-urlencoded");
  body = "user[name]=joe&user[password]=ff1";
  Run("POST /");
  EXPECT_THAT(Trace(), Not(HasSubstr("ff1")));
  EXPECT_THAT(Input(), HasSubstr("joe"));
}

TEST_F(RedactionTest, ThoseOfOneRunAreNoSecretsOfTheNext) {
  Handler("request.queryParams.a ++ request.queryParams.token");
  request.set_query("token=trumpet&a=b");
  Run("POST /");
  request.set_query("token=swordfish&a=trumpet");
  Run("POST /");
  EXPECT_THAT(Trace(), HasSubstr("trumpet"));
  EXPECT_THAT(Trace(), Not(HasSubstr("swordfish")));
}

TEST_F(RedactionTest, AFieldCanBeHashedAndEqualOnesTold) {
  limits.mutable_redaction()->add_hash("token");
  limits.mutable_redaction()->set_key("a key");
  Handler("String.toUppercase_v1 request.queryParams.token");
  request.set_query("token=swordfish");
  Run("POST /");
  std::string first = Input();
  EXPECT_THAT(first, HasSubstr("<sha256:"));
  EXPECT_THAT(Trace(), Not(HasSubstr("swordfish")));
  Run("POST /");
  EXPECT_EQ(Input(), first);
  request.set_query("token=trumpet");
  Run("POST /");
  EXPECT_NE(Input(), first);
}

TEST_F(RedactionTest, ARefusedBodyIsNotQuoted) {
  Handler("1");
  AddHeader("Content-Type", "application/json");
  body = R"({"password": "pw1", )";
  RunOutcome outcome = Run("POST /");
  EXPECT_EQ(outcome.status, 400u);
  EXPECT_THAT(outcome.body, HasSubstr("pw1"));
  EXPECT_THAT(Trace(), Not(HasSubstr("pw1")));
}

TEST_F(RedactionTest, AnErrorsTextIsMaskedForTheVerdictToo) {
  Handler("String.foreach_v1 request.queryParams.token 5");
  request.set_query("token=swordfish");
  RunOutcome outcome = Run("POST /");
  EXPECT_TRUE(outcome.program_error);
  EXPECT_THAT(outcome.error, Not(HasSubstr("swordfish")));
}

TEST_F(RedactionTest, NamesOfFieldsAreMaskedAsTextsAre) {
  Handler("Dict.set_v0 {} request.queryParams.token 1");
  request.set_query("token=swordfish");
  EXPECT_THAT(Run("POST /").body, HasSubstr("swordfish"));
  EXPECT_THAT(Trace(), Not(HasSubstr("swordfish")));
}

TEST_F(RedactionTest, AHeaderOfTheResponseIsKnownByItsName) {
  Handler("Http.responseWithHeaders_v0 \"x\" { ``Set-Cookie`` = \"id=fresh-4711\" } 200");
  Run("POST /");
  // What it is made of is the program's own.
  std::string response = events.back().SerializeAsString();
  EXPECT_THAT(response, HasSubstr("Set-Cookie"));
  EXPECT_THAT(response, Not(HasSubstr("4711")));
}

TEST_F(RedactionTest, ABytesHandlersRequestIsRedactedToo) {
  Load("[http-bytes-handler POST /]\nHttp.response_v0 request.body 200\n");
  AddHeader("Authorization", "Bearer bearer-4711");
  AddHeader("Content-Type", "application/x-www-form-urlencoded");
  request.set_url("http://demo/?token=query-4711");
  body = "name=joe&password=pw-4711";
  Run("POST /");
  EXPECT_THAT(Trace(), Not(HasSubstr("4711")));
  EXPECT_THAT(Input(), HasSubstr("joe"));
}

TEST_F(RedactionTest, AVariableOfTheRouteIsLeftOutOfTheUrl) {
  Load("[http-handler GET /reset/:token]\ntoken\n");
  request.set_url("http://demo/reset/swordfish");
  proto::Header& variable = *request.add_route_vars();
  variable.set_name("token");
  variable.set_value("swordfish");
  EXPECT_EQ(Run("GET /reset/:token").body, "\"swordfish\"");
  EXPECT_THAT(Trace(), Not(HasSubstr("swordfish")));
}

TEST_F(RedactionTest, WhatAPasswordIsMadeOfIsNotShown) {
  limits.clear_redaction();
  Handler("Password.check_v0 (Password.hash_v0 request.queryParams.a) request.queryParams.b");
  request.set_query("a=swordfish&b=trumpet");
  Run("POST /");
  std::string calls;
  for (size_t i = 1; i < events.size(); ++i) calls += events[i].SerializeAsString();
  EXPECT_THAT(calls, Not(HasSubstr("swordfish")));
  EXPECT_THAT(calls, Not(HasSubstr("trumpet")));
  EXPECT_THAT(calls, Not(HasSubstr("argon2")));
}

TEST_F(RedactionTest, AnEventIsRedactedToo) {
  Load("[worker Job]\nevent.token\n");
  for (const proto::HandlerEntry& entry : manifest.handlers()) {
    proto::Run run;
    run.set_run_id(std::string(16, 'r'));
    run.set_tlid(entry.tlid());
    run.set_json(R"({"token": "swordfish"})");
    *run.mutable_limits() = limits;
    engine->Run(run, "", recorder);
  }
  std::string bytes;
  auto drained = consumer.Drain(
      [&](std::span<const std::byte> record) {
        bytes.append(reinterpret_cast<const char*>(record.data()), record.size());
      },
      SIZE_MAX);
  ASSERT_TRUE(drained);
  EXPECT_THAT(bytes, HasSubstr("<redacted>"));
  EXPECT_THAT(bytes, Not(HasSubstr("swordfish")));
}

}  // namespace
}  // namespace nightjar::testing
