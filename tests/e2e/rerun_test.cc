// Stored runs done again, as their operator does it.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

#include "supervisor/writer/trace_reader.h"
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

constexpr const char* kFunctions =
    "[fn price item:String count:Int]\n"
    "item ++ toString (count * 2) ++ toString (Uuid.generate)\n"
    "[http-handler POST /order/:id]\n"
    "[price \"tea\" 1; price \"milk\" 2]\n";

class PatchTest : public RerunTest {
 protected:
  Output RunFunction(std::vector<std::string> more) {
    std::vector<std::string> words = {"run-function", "shop", trace_};
    words.insert(words.end(), more.begin(), more.end());
    return server_.Cli(words);
  }
  bool ShowsPatches(int count) {
    return Eventually([&] {
      shown_ = server_.Cli({"trace", "shop", trace_}).out;
      return shown_.find("Patch " + std::to_string(count) + ":") != std::string::npos;
    });
  }
  std::string shown_;
};

TEST_F(PatchTest, AFunctionIsRunAloneAndShownWithItsTrace) {
  server_.Deploy("shop", kFunctions);
  Order();
  const std::string before = server_.Cli({"trace", "shop", trace_, "--object", "-"}).out;
  Output again = RunFunction({"price", "--call", "2"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("milk4"));
  EXPECT_THAT(answer_.body, HasSubstr(again.out)) << "its trace answers for the call alone";
  EXPECT_THAT(again.err, HasSubstr("This is call 2 of price on revision 1; its trace answered 1 "
                                   "impure call; it is shown with trace " +
                                   trace_));
  ASSERT_TRUE(ShowsPatches(1)) << server_.log();
  EXPECT_THAT(shown_, HasSubstr("Patch 1: call 2 of price"));
  EXPECT_THAT(shown_, HasSubstr("newer: patch 1 below"));
  EXPECT_EQ(server_.Cli({"trace", "shop", trace_, "--object", "-"}).out, before);
  // On another revision, with other arguments; the input of the base is what it was.
  server_.Deploy("shop",
                 "[fn price item:String count:Int]\nitem ++ \"!\"\n"
                 "[http-handler GET /]\n1\n");
  EXPECT_EQ(RunFunction({"price"}).out, "\"tea!\"");
  EXPECT_EQ(RunFunction({"price", "--arguments", "[\"rum\", 9]"}).out, "\"rum!\"");
  ASSERT_TRUE(ShowsPatches(3));
  EXPECT_THAT(shown_, HasSubstr("Patch 2: call 1 of price"));
  EXPECT_THAT(shown_, HasSubstr("Patch 3: price with other arguments"));
  EXPECT_THAT(server_.Json({"trace", "shop", trace_}), HasSubstr("\"patches\""));
  EXPECT_EQ(server_.Json({"traces", "shop"}).find("\"patch\": {"), std::string::npos);
  // Whoever reads objects learns of them from the JSON, and fetches each under its own id.
  auto document = nlohmann::json::parse(server_.Json({"trace", "shop", trace_}));
  ASSERT_EQ(document["patches"].size(), 3u);
  std::vector<std::string> ids;
  for (const auto& patch : document["patches"]) {
    EXPECT_EQ(patch["row"]["patch"]["run_id"], trace_);
    ids.push_back(patch["row"]["run_id"]);
    const std::string bytes = server_.Cli({"trace", "shop", ids.back(), "--object", "-"}).out;
    auto object = TraceReader::Open(bytes);
    ASSERT_TRUE(object) << object.error().ToString();
    const proto::StoredRun* run = object->Find(*RunId::Parse(ids.back()));
    ASSERT_NE(run, nullptr);
    EXPECT_EQ(run->row().patch().run_id(), trace_);
    EXPECT_EQ(std::to_string(run->row().patch().call()), patch["row"]["patch"].value("call", "0"));
  }
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 3u);
  EXPECT_THAT(server_.Cli({"trace", "shop", ids[0]}).err,
              HasSubstr("is a patch, which is shown with its trace " + trace_));
  EXPECT_NE(server_.Cli({"trace", "other", ids[0], "--object", "-"}).exit_code, 0);
  // With it they go.
  ASSERT_EQ(server_.Cli({"hold", "shop", trace_, "--reason", "why"}).exit_code, 0);
  Output held = server_.Cli({"delete-trace", "shop", trace_, "--reason", "a mistake"});
  EXPECT_NE(held.exit_code, 0);
  EXPECT_THAT(held.err, HasSubstr("is held as evidence"));
  ASSERT_EQ(server_.Cli({"release", "shop", trace_, "--reason", "over"}).exit_code, 0);
  Output deleted = server_.Cli({"delete-trace", "shop", trace_, "--reason", "a mistake"});
  EXPECT_EQ(deleted.exit_code, 0) << deleted.err;
  EXPECT_THAT(deleted.out, HasSubstr(trace_ + " is deleted"));
  Output gone = server_.Cli({"trace", "shop", trace_});
  EXPECT_NE(gone.exit_code, 0);
  EXPECT_THAT(gone.err, HasSubstr("was deleted on"));
  EXPECT_THAT(gone.err, HasSubstr("a mistake"));
  EXPECT_NE(server_.Cli({"trace", "shop", ids[0], "--object", "-"}).exit_code, 0);
  EXPECT_THAT(RunFunction({"price"}).err, HasSubstr("was deleted on"));
  EXPECT_THAT(Rerun().err, HasSubstr("was deleted on"));
  EXPECT_THAT(server_.log(), HasSubstr("event=trace_deleted"));
}

TEST_F(PatchTest, SaysWhatIsWrong) {
  server_.Deploy("shop", kFunctions);
  Order();
  EXPECT_THAT(RunFunction({"prise"}).err,
              HasSubstr("this trace calls no function `prise`; did you mean `price`?"));
  EXPECT_THAT(RunFunction({"price", "--call", "3"}).err,
              HasSubstr("this trace calls function `price` 2 times: there is no call 3"));
  EXPECT_THAT(RunFunction({"prise", "--arguments", "[]"}).err,
              HasSubstr("this program has no function `prise`; did you mean `price`?"));
  EXPECT_THAT(RunFunction({"price", "--arguments", "[1]"}).err,
              HasSubstr("function `price` takes 2 arguments, and there is 1"));
  EXPECT_THAT(RunFunction({"price", "--arguments", "[1, 2]"}).err,
              HasSubstr("argument 1 of function `price`, item"));
  EXPECT_THAT(RunFunction({"price", "--arguments", "{"}).err, HasSubstr("not JSON"));
  EXPECT_NE(RunFunction({"price", "--revision", "9"}).exit_code, 0);
  const std::string right = trace_;
  trace_[35] = trace_[35] == '0' ? '1' : '0';
  EXPECT_THAT(RunFunction({"price"}).err, HasSubstr("no trace " + trace_));
  EXPECT_THAT(server_.Cli({"delete-trace", "shop", trace_, "--reason", "x"}).err,
              HasSubstr("no trace " + trace_));
  trace_ = right;
  // Nothing of that is a patch, and there is room for so many.
  for (size_t i = 1; i <= 16; ++i) {
    EXPECT_EQ(RunFunction({"price"}).exit_code, 0) << i;
    ASSERT_TRUE(ShowsPatches(static_cast<int>(i)));
  }
  EXPECT_THAT(RunFunction({"price"}).err,
              HasSubstr("this trace has 16 patches, which is the most"));
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
