// Stored runs done again, as their operator does it.
#include <gmock/gmock.h>

#include "tests/support/server_rig.h"

namespace nightjar::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kFirst =
    "[http-handler POST /order/:id]\n"
    "[id; request.queryParams.item; toString (Uuid.generate); \"first\"]\n";
constexpr const char* kSecond =
    "[http-handler POST /order/:id]\n"
    "[id; request.queryParams.item; toString (Uuid.generate); toString (Date.now); \"second\"]\n";

class RerunTest : public ::testing::Test {
 protected:
  Output Rerun(std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"rerun", "shop", trace_};
    words.insert(words.end(), more.begin(), more.end());
    return server_.Cli(words);
  }
  void Order(const std::string& body = "green") {
    answer_ = server_.Post("shop", "/order/7?item=tea", body);
    trace_ = answer_.trace();
    ASSERT_TRUE(Eventually([&] { return server_.Cli({"trace", "shop", trace_}).exit_code == 0; }));
  }

  Server server_;
  Answer answer_;
  std::string trace_;
};

TEST_F(RerunTest, AnswersTheSameAndMakesATraceOfItsOwn) {
  server_.Deploy("shop", kFirst);
  Order();
  ASSERT_EQ(answer_.status, 200) << answer_.body;
  Output again = Rerun();
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.out, answer_.body);
  EXPECT_THAT(again.err, HasSubstr("does " + trace_ + " again on revision 1"));
  EXPECT_THAT(again.err, HasSubstr("its trace answered 1 impure call"));
  std::string list;
  EXPECT_TRUE(Eventually([&] {
    list = server_.Json({"traces", "shop"});
    return list.find("\"rerun_of\": \"" + trace_ + "\"") != std::string::npos;
  })) << list;
  // By the first digits of its id, too.
  EXPECT_EQ(server_.Cli({"rerun", "shop", trace_.substr(0, 23), "--live"}).exit_code, 0);
  Output live = Rerun({"--live"});
  EXPECT_EQ(live.exit_code, 0) << live.err;
  EXPECT_NE(live.out, answer_.body);
  EXPECT_THAT(live.err, Not(HasSubstr("answered")));
}

TEST_F(RerunTest, RunsOnTheRevisionThatItIsTold) {
  server_.Deploy("shop", kFirst);
  Order();
  server_.Deploy("shop", kSecond);
  Output newest = Rerun();
  EXPECT_THAT(newest.out, HasSubstr("second"));
  EXPECT_THAT(newest.out, HasSubstr(answer_.body.substr(answer_.body.find('-') - 8, 36)));
  EXPECT_THAT(newest.err, HasSubstr("does not know 1 impure call, which was made"));
  Output first = Rerun({"--revision", "1"});
  EXPECT_EQ(first.out, answer_.body) << first.err;
  // What serves meanwhile is the newest.
  EXPECT_THAT(server_.Post("shop", "/order/7", "").body, HasSubstr("second"));
  Output none = Rerun({"--revision", "9"});
  EXPECT_NE(none.exit_code, 0);
  EXPECT_THAT(none.err, HasSubstr("no program of revision 9 of shop"));
}

TEST_F(RerunTest, SaysWhyARunCannotBeDoneAgain) {
  server_.Deploy("shop", kFirst);
  Order(std::string(20000, 'x'));
  Output large = Rerun();
  EXPECT_NE(large.exit_code, 0);
  EXPECT_THAT(large.err, HasSubstr("too large for its trace"));
  trace_[35] = trace_[35] == '0' ? '1' : '0';
  EXPECT_THAT(Rerun().err, HasSubstr("no trace " + trace_));
  EXPECT_NE(server_.Cli({"rerun", "nobody", trace_}).exit_code, 0);
  EXPECT_NE(server_.Cli({"rerun", "shop", trace_, "--revision", "0"}).exit_code, 0);
}

TEST_F(RerunTest, WhatPolicyHidStaysHidden) {
  server_.Deploy("shop", "[http-handler POST /login]\nrequest.queryParams.token\n");
  answer_ = server_.Post("shop", "/login?token=trumpet99", "");
  trace_ = answer_.trace();
  EXPECT_THAT(answer_.body, HasSubstr("trumpet99"));
  ASSERT_TRUE(Eventually([&] { return server_.Cli({"trace", "shop", trace_}).exit_code == 0; }));
  EXPECT_EQ(Rerun().out, "\"<redacted>\"");
}

TEST(RerunOfProgramsTest, IsLiveOnly) {
  Server server("[canvas.tools]\nexec = true\n");
  ASSERT_EQ(server
                .Deploy("tools",
                        "[exec-handler POST /:name]\n"
                        "/bin/sh -c 'cat; echo \" $REQUEST_METHOD $ROUTE_NAME $QUERY_STRING\"'\n")
                .exit_code,
            0);
  Answer answer = server.Post("tools", "/ada?x=1", "body");
  EXPECT_EQ(answer.body, "body POST ada x=1\n") << server.log();
  std::string trace = answer.trace();
  ASSERT_TRUE(Eventually([&] { return server.Cli({"trace", "tools", trace}).exit_code == 0; }));
  Output refused = server.Cli({"rerun", "tools", trace});
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.err, HasSubstr("only live"));
  EXPECT_EQ(server.Cli({"rerun", "tools", trace, "--live"}).out, answer.body);
}

}  // namespace
}  // namespace nightjar::e2e
