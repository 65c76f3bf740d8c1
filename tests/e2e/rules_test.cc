// Abuse rules with the real programs: a runaway is hit, its neighbour is not; wrong rules, and
// rules that are read again. The operator's case of docs/operating.md is walked with its own
// commands.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/server_rig.h"

namespace nightjar::e2e {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kTight = "[default]\nwall = \"10s\"\ncpu = \"50ms\"\n";
constexpr const char* kRunaway = R"([rule.runaway]
about = "is killed again and again"
when = ["kills.cpu_time >= 3", "kills / runs >= 0.5"]
window = "1m"
actions = ["keep evidence", "suspend"]
lasting = "1h"
)";
constexpr const char* kCanvas = R"([http-handler GET /spin]
let numbers = List.range_v0 1 1000
List.fold_v0 numbers 0 (fun sum a ->
  List.fold_v0 numbers sum (fun sum b ->
    List.fold_v0 numbers sum (fun sum c -> sum + c)))

[http-handler GET /hello]
"hello"
)";

class RulesTest : public ::testing::Test {
 protected:
  RulesTest() {
    char path[] = "/tmp/nightjar-rules-XXXXXX";
    folder_ = mkdtemp(path);
    // For who started the server, whoever that is.
    std::filesystem::permissions(folder_, std::filesystem::perms::all);
    Write(kRunaway);
  }
  ~RulesTest() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return folder_ + "/rules.toml"; }
  void Write(const std::string& text) { std::ofstream(path()) << text; }
  // Serves one canvas that runs away and one that does not.
  void Serve(Server& server) {
    ASSERT_TRUE(server.running()) << server.log();
    for (const char* canvas : {"spinner", "polite"})
      ASSERT_EQ(server.Deploy(canvas, kCanvas).exit_code, 0) << server.log();
  }
  json Hits(Server& server) { return json::parse(server.Json({"rules", "hits"})); }

  std::string folder_;
};

TEST_F(RulesTest, ARunawayIsFoundHeldBackAndExplainedAndItsNeighbourServed) {
  Server server(ServerOptions{.policy = kTight, .more = {"--rules", path()}});
  Serve(server);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(server.Get("spinner", "/spin").headers["x-nightjar-verdict"], "cpu_time");
    EXPECT_EQ(server.Get("polite", "/hello").status, 200);
  }
  ASSERT_TRUE(Eventually([&] { return !Hits(server)["hits"].empty(); })) << server.log();
  // From the alert to the evidence, as docs/operating.md has it.
  EXPECT_THAT(server.Cli({"metrics"}).out, HasSubstr("nightjar_rule_hits_open 1"));
  EXPECT_THAT(server.Cli({"rules"}).out, HasSubstr("runaway"));
  ASSERT_TRUE(Eventually([&] { return !Hits(server)["hits"][0]["held"].empty(); }));
  Output hits = server.Cli({"rules", "hits", "--open"});
  EXPECT_EQ(hits.exit_code, 0) << hits.err;
  EXPECT_THAT(hits.out, HasSubstr("rule runaway (rules.toml:1): in 1m, kills.cpu_time = "));
  EXPECT_THAT(hits.out, HasSubstr("control 1: suspend"));
  const json hit = Hits(server)["hits"][0];
  ASSERT_EQ(Hits(server)["hits"].size(), 1u);
  EXPECT_EQ(hit["canvas"], "spinner");
  const std::string run = hit["held"][0];
  EXPECT_THAT(server.Cli({"why", run}).out, HasSubstr("cpu"));
  EXPECT_THAT(server.Cli({"holds"}).out, HasSubstr("rule runaway"));
  EXPECT_THAT(server.Cli({"controls"}).out, HasSubstr("rule runaway"));
  EXPECT_THAT(server.Cli({"canvas", "spinner", "--timeline"}).out, HasSubstr("rule_hit"));
  const std::string archive = folder_ + "/evidence.tar";
  Output evidence = server.Cli({"evidence", run, "--out", archive});
  EXPECT_EQ(evidence.exit_code, 0) << evidence.err;
  EXPECT_TRUE(std::filesystem::exists(archive));
  // Held back, and nobody else.
  Answer refused = server.Get("spinner", "/hello");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(server.Get("polite", "/hello").status, 200);
  EXPECT_EQ(server.Cli({"lift", "1", "--reason", "its author has mended it"}).exit_code, 0);
  EXPECT_EQ(server.Get("spinner", "/hello").status, 200);
  json audit = json::parse(server.Json({"audit", "--canvas", "spinner"}))["entries"];
  auto of = [&](const std::string& action) {
    return std::count_if(audit.begin(), audit.end(),
                         [&](const json& entry) { return entry["action"] == action; });
  };
  EXPECT_EQ(of("rule_hit"), 1);
  EXPECT_GE(of("hold"), 1);
  EXPECT_EQ(of("lift"), 1);
  EXPECT_EQ(server.Cli({"audit", "--verify"}).exit_code, 0);
  EXPECT_THAT(server.Cli({"rules", "hits", "polite"}).out, HasSubstr("No rule has hit"));
}

TEST_F(RulesTest, WhatARuleDidOutlivesTheSupervisor) {
  Server server(ServerOptions{.policy = kTight, .more = {"--rules", path()}});
  Serve(server);
  for (int i = 0; i < 4; ++i) server.Get("spinner", "/spin");
  ASSERT_TRUE(Eventually([&] { return !Hits(server)["hits"].empty(); })) << server.log();
  EXPECT_EQ(server.Get("spinner", "/hello").status, 503);
  const std::string id = Hits(server)["hits"][0]["id"];
  server.Kill(SIGKILL);
  server.Restart();
  EXPECT_EQ(server.Get("spinner", "/hello").status, 503);
  EXPECT_THAT(server.Cli({"controls"}).out, HasSubstr("rule runaway"));
  EXPECT_THAT(server.Cli({"audit", "--canvas", "spinner"}).out, HasSubstr("rule_hit"));
  // It goes on, as the same one.
  ASSERT_TRUE(Eventually([&] { return !Hits(server)["hits"].empty(); })) << server.log();
  EXPECT_EQ(Hits(server)["hits"][0]["id"], id);
  EXPECT_EQ(Hits(server)["hits"].size(), 1u);
}

TEST_F(RulesTest, RulesAreTriedOutOnWhatWasCounted) {
  Write("[rule.quiet]\nwhen = [\"kills >= 1000\"]\nwindow = \"1m\"\n");
  Server server(ServerOptions{.policy = kTight, .more = {"--rules", path()}});
  Serve(server);
  for (int i = 0; i < 4; ++i) {
    server.Get("spinner", "/spin");
    EXPECT_EQ(server.Get("polite", "/hello").status, 200);
  }
  const std::string other = folder_ + "/other.toml";
  std::ofstream(other) << kRunaway;
  json trial;
  ASSERT_TRUE(Eventually([&] {
    trial = json::parse(server.Json({"rules", "test", other, "--since", "1h"}));
    return !trial["hits"].empty();
  })) << server.log();
  ASSERT_EQ(trial["hits"].size(), 1u);
  EXPECT_EQ(trial["hits"][0]["canvas"], "spinner");
  EXPECT_EQ(trial["hits"][0]["would"], json({"keep evidence", "suspend"}));
  EXPECT_THAT(trial["hits"][0]["explanation"].get<std::string>(), HasSubstr("kills.cpu_time = "));
  Output text = server.Cli({"rules", "test", other});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("would: keep evidence, suspend"));
  // Those in force would have hit nobody, and nothing was done.
  text = server.Cli({"rules", "test", "--since", "1h"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("quiet          0"));
  EXPECT_EQ(server.Get("spinner", "/hello").status, 200);
  EXPECT_TRUE(Hits(server)["hits"].empty());
  // An orderly stop keeps the minute that was not over.
  EXPECT_EQ(server.Stop(), 0) << server.log();
  server.Restart();
  trial = json::parse(server.Json({"rules", "test", other, "--since", "1h"}));
  ASSERT_EQ(trial["hits"].size(), 1u) << server.log();
  std::ofstream(other) << "[rule.x]\nwhen = [\"kils >= 3\"]\nwindow = \"1m\"\n";
  text = server.Cli({"rules", "test", other});
  EXPECT_EQ(text.exit_code, 1);
  EXPECT_THAT(text.err, HasSubstr("other.toml:2:9: "));
  EXPECT_THAT(server.Cli({"rules", "test", "--since", "long ago"}).err, HasSubstr("long ago"));
}

TEST_F(RulesTest, WrongRulesAreNotTakenAndThoseInForceStay) {
  Server server(ServerOptions{.policy = kTight, .more = {"--rules", path()}});
  Serve(server);
  const std::string version = json::parse(server.Json({"rules"}))["version"];
  Write("[rule.runaway]\nwhen = [\"kils >= 3\"]\nwindow = \"1m\"\n");
  kill(server.pid(), SIGHUP);
  ASSERT_TRUE(Eventually([&] { return json::parse(server.Json({"rules"}))["trouble"] != ""; }))
      << server.log();
  Output rules = server.Cli({"rules"});
  EXPECT_THAT(rules.out, HasSubstr("rules.toml:2:9: "));
  EXPECT_THAT(rules.out, HasSubstr("kills"));
  EXPECT_EQ(json::parse(server.Json({"rules"}))["version"], version);
  Write("[rule.other]\nwhen = [\"kills >= 5\"]\nwindow = \"1m\"\n");
  kill(server.pid(), SIGHUP);
  ASSERT_TRUE(Eventually([&] {
    return server.Cli({"rules"}).out.find("other") != std::string::npos;
  })) << server.log();
  EXPECT_THAT(server.Cli({"rules"}).out, Not(HasSubstr("not taken")));
  EXPECT_NE(json::parse(server.Json({"rules"}))["version"], version);
  EXPECT_THAT(server.Cli({"rules", "hits", "--rule", "nobody"}).err, HasSubstr("no rule nobody"));
}

TEST_F(RulesTest, ASupervisorDoesNotStartWithWrongRulesAndHasItsOwnWithoutAny) {
  Write("[rule.runaway]\nwhen = [\"kills >= 0\"]\nwindow = \"1m\"\n");
  Server server(ServerOptions{.policy = kTight, .more = {"--rules", path()}});
  EXPECT_FALSE(server.running());
  EXPECT_THAT(server.log(), HasSubstr("rules.toml:2:9: "));
  Server plain(kTight);
  ASSERT_TRUE(plain.running()) << plain.log();
  EXPECT_THAT(plain.Cli({"rules"}).out, HasSubstr("of the program itself"));
  EXPECT_THAT(plain.Cli({"rules", "hits"}).out, HasSubstr("No rule has hit"));
}

}  // namespace
}  // namespace nightjar::e2e
