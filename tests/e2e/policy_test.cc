// Policies of a running server, and the commands that need none: checked, compared, explained,
// reloaded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/support/server_rig.h"

namespace nightjar::e2e {
namespace {

using testing::HasSubstr;

constexpr const char* kProgram = NIGHTJAR_BIN "/nightjar";

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/nightjar-policy-XXXXXX";
    path_ = mkdtemp(name);
    // The server's user reads it.
    std::filesystem::permissions(path_, std::filesystem::perms(0755));
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  // In place of a file of that name, as a whole.
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ + "/.new") << text;
    std::filesystem::rename(path_ + "/.new", path_ + "/" + name);
    return path_ + "/" + name;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Output Policy(std::vector<std::string> words) {
  words.insert(words.begin(), {kProgram, "policy"});
  return RunProgram(words);
}

size_t CountOf(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++count;
  return count;
}

// Reads the policy again, and waits until that is decided.
void Reload(Server& server) {
  auto decided = [&] {
    std::string log = server.log();
    return CountOf(log, "event=policy_loaded") + CountOf(log, "event=policy_rejected");
  };
  size_t before = decided();
  server.Kill(SIGHUP);
  EXPECT_TRUE(Eventually([&] { return decided() > before; })) << server.log();
}

// "3b547507f81d" of a file, as `policy check` says it.
std::string VersionOf(const std::string& path) {
  std::string said = Policy({"check", path}).out;
  size_t at = said.find(": policy ");
  return at == std::string::npos ? "" : said.substr(at + 9, 12);
}

TEST(PolicyTest, ChecksFilesWithoutASupervisor) {
  Folder folder;
  std::string good = folder.Write("good.toml", "[default]\nwall = \"2s\"\ncpu = \"60s\"\n");
  Output checked = Policy({"check", good});
  EXPECT_EQ(checked.exit_code, 0);
  EXPECT_THAT(checked.out, HasSubstr("good.toml: policy "));
  EXPECT_THAT(checked.err, HasSubstr("good.toml:3:1: warning: cpu = 1m (good.toml:3) is never"));
  std::string bad = folder.Write("bad.toml", "[default]\nwal = \"2s\"\npids = -1\n");
  checked = Policy({"check", good, bad});
  EXPECT_EQ(checked.exit_code, 1);
  EXPECT_THAT(checked.err, HasSubstr(bad + ":2:1: unknown key `wal`; did you mean `wall`?\n" + bad +
                                     ":3:8: `pids` is a count and not negative\n"));
  Output json = Policy({"check", bad, "--json"});
  EXPECT_EQ(json.exit_code, 1);
  EXPECT_THAT(json.out, HasSubstr("\"line\": 2"));
  // As a directory the two are one policy.
  EXPECT_EQ(Policy({"check", folder.path()}).exit_code, 1);
  folder.Write("bad.toml", "[canvas.a]\nwall = \"1s\"\n");
  EXPECT_THAT(Policy({"check", folder.path()}).out, HasSubstr("0 plans, 1 canvas\n"));
  folder.Write("worse.toml", "[default]\nwall = \"1s\"\n");
  EXPECT_THAT(Policy({"check", folder.path()}).err,
              HasSubstr("worse.toml:2:1: `wall` of default stands in good.toml:2 already"));
  EXPECT_EQ(Policy({"check", folder.path() + "/none"}).exit_code, 2);
  EXPECT_EQ(Policy({"check"}).exit_code, 2);
  EXPECT_EQ(Policy({}).exit_code, 2);
}

TEST(PolicyTest, ComparesAndExplainsWithoutASupervisor) {
  Folder folder;
  std::string from = folder.Write("old.toml", "[default]\nwall = \"2s\"\n[canvas.a]\n[canvas.b]\n");
  std::string to = folder.Write("new.toml",
                                "[default]\nwall = \"1s\"\n[canvas.a]\nmemory = \"128MiB\"\n"
                                "[canvas.b]\n");
  Output diff = Policy({"diff", from, to});
  EXPECT_EQ(diff.exit_code, 0) << diff.err;
  EXPECT_EQ(diff.out,
            "every other canvas; canvas b\n"
            "  LIMIT  FROM  TO           SET BY\n"
            "  wall     2s  1s  tighter  new.toml:2, default\n"
            "\n"
            "canvas a\n"
            "  LIMIT    FROM      TO           SET BY\n"
            "  wall       2s      1s  tighter  new.toml:2, default\n"
            "  memory  64MiB  128MiB  looser   new.toml:4, canvas a\n");
  EXPECT_EQ(Policy({"diff", from, from}).out, "No limit changes for anybody.\n");
  EXPECT_THAT(Policy({"diff", from, to, "--json"}).out, HasSubstr("\"LIMIT_TIGHTER\""));
  Output explained = Policy({"explain", "a", "memory", "--file", to});
  EXPECT_EQ(explained.exit_code, 0) << explained.err;
  EXPECT_EQ(explained.out, "Limits of canvas a, policy " + VersionOf(to) +
                               "\n"
                               "LIMIT    VALUE            SET BY      LAYER\n"
                               "memory   64MiB            built in\n"
                               "        128MiB  <- holds  new.toml:4  canvas a\n");
  Output mistyped = Policy({"explain", "a", "memroy", "--file", to});
  EXPECT_EQ(mistyped.exit_code, 2);
  EXPECT_THAT(mistyped.err, HasSubstr("there is no limit `memroy`; did you mean `memory`?"));
  EXPECT_THAT(Policy({"schema"}).out, HasSubstr("\"$schema\""));
}

TEST(PolicyTest, TheSupervisorExplainsThePolicyInForceAndEveryDecisionNamesIt) {
  Folder folder;
  std::string file = folder.Write("p.toml", "[default]\nwall = \"300ms\"\nrate = \"2/s\"\n");
  std::string version = VersionOf(file);
  Server server(ServerOptions{.more = {"--policy", file}});
  server.DeployExample("runaways");
  EXPECT_THAT(server.log(), HasSubstr("policy=" + version));
  EXPECT_THAT(server.Cli({"policy", "explain", "runaways", "wall"}).out,
              HasSubstr(" 300ms  <- holds  p.toml:2  default\n"));
  EXPECT_THAT(server.Cli({"limits", "runaways"}).out, HasSubstr("policy " + version + ", load 1"));
  Answer killed = server.Get("runaways", "/spin");
  EXPECT_EQ(killed.status, 504);
  std::string named = "\"policy_version\": \"" + version + "\"";
  EXPECT_TRUE(Eventually([&] {
    return CountOf(server.Cli({"incident", killed.trace(), "--json"}).out, named) == 1 &&
           CountOf(server.Json({"traces", "runaways"}), named) == 1;
  })) << server.Cli({"incident", killed.trace()}).out;
  Answer refused;
  EXPECT_TRUE(Eventually([&] { return (refused = server.Get("runaways", "/none")).status != 0; }));
  EXPECT_TRUE(
      Eventually([&] { return (refused = server.Get("runaways", "/recursion")).status == 429; }));
  EXPECT_TRUE(Eventually([&] {
    return CountOf(server.Cli({"incident", refused.trace(), "--json"}).out, named) == 1;
  }));
  folder.Write("p.toml", "[default]\nwall = \"400ms\"\n");
  Reload(server);
  std::string next = VersionOf(file);
  EXPECT_NE(next, version);
  EXPECT_THAT(server.log(), HasSubstr("version=" + next));
  EXPECT_THAT(server.Cli({"limits", "runaways"}).out, HasSubstr("policy " + next + ", load 2"));
  EXPECT_THAT(server.Cli({"metrics"}).out,
              HasSubstr("nightjar_policy_info{version=\"" + next + "\"} 1"));
}

TEST(PolicyTest, ADirectoryIsOnePolicyAndIsTakenWholeOrNotAtAll) {
  Folder folder;
  folder.Write("10-default.toml", "[default]\nwall = \"3s\"\n");
  folder.Write("20-a.toml", "[canvas.a]\nwall = \"2s\"\n");
  folder.Write("notes.txt", "not read\n");
  Server server(ServerOptions{.more = {"--policy", folder.path()}});
  auto says = [&](const std::string& canvas) {
    return server.Cli({"policy", "explain", canvas, "wall"}).out;
  };
  EXPECT_THAT(says("a"), HasSubstr("20-a.toml:2"));
  EXPECT_THAT(says("b"), HasSubstr("3s  <- holds  10-default.toml:2"));
  // Half of it is there.
  folder.Write("20-a.toml", "[canvas.a]\nwall = \"1");
  folder.Write("10-default.toml", "[default]\nwall = \"4s\"\n");
  Reload(server);
  EXPECT_THAT(server.log(), HasSubstr("20-a.toml:2:10: "));
  EXPECT_THAT(says("a"), HasSubstr("2s  <- holds"));
  EXPECT_THAT(says("b"), HasSubstr("3s  <- holds"));
  folder.Write("20-a.toml", "[canvas.a]\nwall = \"1s\"\n");
  Reload(server);
  EXPECT_THAT(says("a"), HasSubstr("1s  <- holds"));
  EXPECT_THAT(says("b"), HasSubstr("4s  <- holds"));
  EXPECT_EQ(CountOf(server.log(), "event=policy_rejected"), 1u);
}

// Two runs that spin: one of a canvas whose `wall` is urgent, one of a canvas where it is not.
TEST(PolicyTest, RunsInFlightKeepTheirLimitsButForUrgentOnes) {
  Folder folder;
  std::string file =
      folder.Write("p.toml", "[default]\nwall = \"60s\"\ncpu = \"60s\"\nsoft_stop = \"0s\"\n");
  std::string begun_under = VersionOf(file);
  Server server(ServerOptions{.more = {"--policy", file}});
  for (const char* canvas : {"urgent", "calm", "banned"}) server.DeployExample("runaways", canvas);
  std::map<std::string, Answer> answers{{"urgent", {}}, {"calm", {}}, {"banned", {}}};
  std::vector<std::thread> callers;
  for (auto& [canvas, answer] : answers)
    callers.emplace_back(
        [&server, &canvas = canvas, &answer = answer] { answer = server.Get(canvas, "/spin"); });
  EXPECT_TRUE(Eventually([&] { return CountOf(server.Json({"ps"}), "\"running\"") == 3; }));
  folder.Write("p.toml",
               "[default]\nwall = \"200ms\"\ncpu = \"60s\"\nsoft_stop = \"0s\"\n"
               "[canvas.urgent]\nurgent = [\"wall\"]\n"
               "[canvas.banned]\nsuspended = true\nurgent = [\"suspended\"]\n");
  Reload(server);
  EXPECT_THAT(server.log(), HasSubstr("runs_tightened=2"));
  EXPECT_TRUE(Eventually([&] { return CountOf(server.Json({"ps"}), "\"running\"") == 1; }));
  std::string left = server.Json({"ps"});
  EXPECT_THAT(left, HasSubstr("\"calm\""));
  std::string id = left.substr(left.find("\"run_id\": \"") + 11, 36);
  EXPECT_EQ(server.Cli({"kill", id}).exit_code, 0);
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(answers["urgent"].headers["x-nightjar-verdict"], "wall_time");
  EXPECT_EQ(answers["calm"].headers["x-nightjar-verdict"], "operator");
  EXPECT_EQ(answers["banned"].headers["x-nightjar-verdict"], "operator");
  std::string versions = begun_under + "+" + VersionOf(file);
  std::string incident;
  EXPECT_TRUE(Eventually([&] {
    incident = server.Cli({"incident", answers["urgent"].trace()}).out;
    return incident.find(versions) != std::string::npos;
  })) << incident;
  EXPECT_THAT(incident, HasSubstr("limit wall = 200ms (p.toml:2, default)"));
  EXPECT_TRUE(Eventually([&] {
    incident = server.Cli({"incident", answers["banned"].trace()}).out;
    return incident.find("suspended by limit suspended = true (p.toml:8, canvas banned)") !=
           std::string::npos;
  })) << incident;
  // Who comes now is bound by all of it.
  EXPECT_EQ(server.Get("calm", "/spin").headers["x-nightjar-verdict"], "wall_time");
}

}  // namespace
}  // namespace nightjar::e2e
