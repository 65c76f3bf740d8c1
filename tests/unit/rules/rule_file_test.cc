#include "rules/rule_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <sstream>

#include "ipc/core/bounds.h"
#include "policies/policy_errors.h"
#include "policies/policy_version.h"
#include "rules/rule_bounds.h"

namespace nightjar::rules {
namespace {

using policy::PolicyError;
using policy::PolicyFile;
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::shared_ptr<const RuleSet> MustParse(const std::string& text) {
  PolicyFile file{"rules.toml", "/etc/rules.toml", text};
  std::vector<PolicyError> errors;
  auto rules = ParseRules(std::span(&file, 1), &errors);
  EXPECT_EQ(policy::ErrorLines("", errors), "");
  return rules;
}

// "line:column: message" of each error.
std::vector<std::string> ErrorsOf(const std::string& text) {
  PolicyFile file{"rules.toml", "", text};
  std::vector<PolicyError> errors;
  auto rules = ParseRules(std::span(&file, 1), &errors);
  EXPECT_EQ(rules == nullptr, !errors.empty());
  std::vector<std::string> lines;
  for (const PolicyError& error : errors)
    lines.push_back(std::to_string(error.line) + ":" + std::to_string(error.column) + ": " +
                    error.message);
  return lines;
}

// With `line` in a rule that is right otherwise, as its fourth line.
std::vector<std::string> ErrorsWith(const std::string& line) {
  return ErrorsOf("[rule.a]\nwhen = [\"kills >= 2\"]\nwindow = \"10m\"\n" + line + "\n");
}

// Of one condition.
std::vector<std::string> ErrorsWhen(const std::string& condition) {
  return ErrorsOf("[rule.a]\nwindow = \"10m\"\nwhen = [\"" + condition + "\"]\n");
}

std::vector<std::string> ErrorsOfAction(const std::string& action) {
  return ErrorsWith("actions = [\"" + action + "\"]");
}

TEST(RuleFileTest, ReadsAllThatARuleMaySay) {
  auto rules = MustParse(R"(# abuse
[rule.miner]
about = "uses up what it gets"
when = ["cpu_share >= 50%", "near.cpu + kills.cpu_time / runs >= 0.5", "response_bytes <= 1.5KiB",
        "cpu / runs >= 1.5s"]
window = "30m"
for = "90s"
keep_firing_for = "5m"
clear_at = 0.5
actions = ["flag", "keep evidence", "tighten  cpu 500ms", "throttle 1/m", "pause"]
lasting = "2h"
only = ["demo", "shop_2"]
)");
  ASSERT_NE(rules, nullptr);
  ASSERT_EQ(rules->rules.size(), 1u);
  const Rule& rule = rules->rules[0];
  EXPECT_EQ(rule.name, "miner");
  EXPECT_EQ(rule.about, "uses up what it gets");
  EXPECT_EQ(rule.place, "rules.toml:2");
  EXPECT_EQ(rule.window, minutes(30));
  EXPECT_EQ(rule.held, Seconds(90));
  EXPECT_EQ(rule.keep, minutes(5));
  EXPECT_EQ(rule.clear_at, 0.5);
  EXPECT_EQ(rule.lasting, hours(2));
  EXPECT_THAT(rule.only, ElementsAre("demo", "shop_2"));
  EXPECT_THAT(rule.except, IsEmpty());
  EXPECT_FALSE(rule.may_hit_everything);

  ASSERT_EQ(rule.when.size(), 4u);
  EXPECT_TRUE(rule.when[0].is_cpu_share);
  EXPECT_TRUE(rule.when[0].at_least);
  EXPECT_EQ(rule.when[0].bound, 0.5);
  EXPECT_EQ(rule.when[0].text, "cpu_share >= 50%");
  EXPECT_THAT(rule.when[1].amount, ElementsAre(Counter::kNearCpu, Counter::kKillsCpuTime));
  EXPECT_THAT(rule.when[1].per, ElementsAre(Counter::kRuns));
  EXPECT_EQ(rule.when[1].bound, 0.5);
  EXPECT_FALSE(rule.when[2].at_least);
  EXPECT_EQ(rule.when[2].bound, 1536);
  EXPECT_THAT(rule.when[2].per, IsEmpty());
  EXPECT_EQ(rule.when[3].bound, 1'500'000);

  ASSERT_EQ(rule.actions.size(), 4u);
  EXPECT_EQ(rule.actions[0].kind, ActionKind::kKeepEvidence);
  EXPECT_EQ(rule.actions[1].kind, ActionKind::kTighten);
  EXPECT_EQ(rule.actions[1].limit, "cpu");
  EXPECT_EQ(rule.actions[1].value, "500ms");
  EXPECT_EQ(rule.actions[1].text, "tighten cpu 500ms");
  EXPECT_EQ(rule.actions[2].kind, ActionKind::kThrottle);
  EXPECT_EQ(rule.actions[2].limit, "rate");
  EXPECT_EQ(rule.actions[2].value, "1/m");
  EXPECT_EQ(rule.actions[3].kind, ActionKind::kPause);
}

TEST(RuleFileTest, WhatIsNotSaidHasADefault) {
  auto rules = MustParse("[rule.a]\nwhen = [\"kills >= 2\"]\nwindow = \"10m\"\n");
  const Rule& rule = rules->rules[0];
  EXPECT_EQ(rule.about, "");
  EXPECT_EQ(rule.held, Seconds(0));
  EXPECT_EQ(rule.keep, minutes(10));
  EXPECT_EQ(rule.clear_at, 0.8);
  EXPECT_THAT(rule.actions, IsEmpty());
  EXPECT_EQ(rule.lasting, Seconds(0)) << "nothing of it lasts";
  EXPECT_EQ(MustParse("[rule.a]\nwhen = [\"kills >= 2\"]\nwindow = \"10m\"\nactions = "
                      "[\"suspend\"]\n")
                ->rules[0]
                .lasting,
            hours(1));
  EXPECT_EQ(MustParse("[rule.a]\nwhen = [\"kills >= 2\"]\nwindow = \"10m\"\nactions = "
                      "[\"suspend\"]\nlasting = \"until lifted\"\n")
                ->rules[0]
                .lasting,
            Seconds(0));
}

TEST(RuleFileTest, RulesStandInTheOrderOfTheirFiles) {
  const std::string body = "when = [\"kills >= 2\"]\nwindow = ";
  std::vector<PolicyFile> files = {
      {"20.toml", "d/20.toml", "[rule.z]\n" + body + "\"1h\"\n[rule.a]\n" + body + "\"2h\"\n"},
      {"30.toml", "d/30.toml", "[rule.m]\n" + body + "\"1m\"\n"}};
  std::vector<PolicyError> errors;
  auto rules = ParseRules(files, &errors);
  ASSERT_NE(rules, nullptr) << policy::ErrorLines("", errors);
  ASSERT_EQ(rules->rules.size(), 3u);
  EXPECT_EQ(rules->rules[0].name, "z");
  EXPECT_EQ(rules->rules[1].place, "20.toml:4");
  EXPECT_EQ(rules->rules[2].name, "m");
  EXPECT_EQ(rules->version, policy::VersionOf(files));
  EXPECT_EQ(rules->Find("a"), &rules->rules[1]);
  EXPECT_EQ(rules->Find("b"), nullptr);
  EXPECT_EQ(rules->longest_window(), hours(2));
}

TEST(RuleFileTest, NoFileAndAnEmptyOneAreNoRules) {
  EXPECT_THAT(MustParse("")->rules, IsEmpty());
  EXPECT_EQ(MustParse("# none\n")->longest_window(), Seconds(0));
  std::vector<PolicyError> errors;
  EXPECT_THAT(ParseRules({}, &errors)->rules, IsEmpty());
}

TEST(RuleFileTest, TheShippedRulesAreTheFile) {
  std::ifstream in(std::string(NIGHTJAR_SOURCE_DIR) + "/rules/shipped.toml");
  std::stringstream text;
  text << in.rdbuf();
  PolicyFile file{"shipped.toml", "", text.str()};
  auto shipped = ShippedRules();
  ASSERT_NE(shipped, nullptr);
  EXPECT_EQ(shipped->version, policy::VersionOf(std::span(&file, 1)));
  EXPECT_EQ(ShippedRules(), shipped) << "read once";
  for (const Rule& rule : shipped->rules)
    for (const Action& action : rule.actions)
      EXPECT_EQ(action.kind, ActionKind::kKeepEvidence) << rule.name;
}

// Commented lines that are settings, in place of those that they stand behind.
TEST(RuleFileTest, TheStrongerActionsInTheShippedCommentsAreRightToo) {
  std::ifstream in(std::string(NIGHTJAR_SOURCE_DIR) + "/rules/shipped.toml");
  std::string text;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("actions = ")) continue;
    if (line.starts_with("# actions = ") || line.starts_with("# lasting = ")) line.erase(0, 2);
    text += line + "\n";
  }
  auto rules = MustParse(text);
  ASSERT_NE(rules, nullptr);
  for (const Rule& rule : rules->rules) EXPECT_FALSE(rule.actions.empty()) << rule.name;
}

struct Mistake {
  std::string text;
  std::string error;
};

#define EXPECT_MISTAKES(errors_of, ...)                           \
  for (const Mistake& mistake : std::vector<Mistake> __VA_ARGS__) \
  EXPECT_THAT(errors_of(mistake.text), ElementsAre(mistake.error)) << mistake.text

TEST(RuleFileTest, TellsWhereAConditionIsWrong) {
  EXPECT_MISTAKES(
      ErrorsWhen,
      ({
          {"kils >= 20", "3:9: unknown counter `kils`; did you mean `kills`?"},
          {"kills.cpu >= 20", "3:9: unknown counter `kills.cpu`"},
          {"bananas >= 20", "3:9: unknown counter `bananas`"},
          {"kills > 20",
           "3:9: `kills > 20` is no condition: it has a `>=` or a `<=`, as in \"kills / runs >= "
           "0.5\""},
          {"kills",
           "3:9: `kills` is no condition: it has a `>=` or a `<=`, as in \"kills / runs >= 0.5\""},
          {"", "3:9: `` is no condition: it has a `>=` or a `<=`, as in \"kills / runs >= 0.5\""},
          {">= 20", "3:9: a counter's name is missing in `>= 20`"},
          {"kills >=", "3:9: a bound is missing at the end of `kills >=`"},
          {"kills + >= 2", "3:9: a counter's name is missing in `kills + >= 2`"},
          {"kills / >= 2", "3:9: a counter's name is missing in `kills / >= 2`"},
          {"kills / runs / requests >= 2", "3:9: `kills / runs / requests` has more than one `/`"},
          {"kills runs >= 2", "3:9: unknown counter `kills runs`"},
          {"kills >= -5", "3:9: the bound of `kills >= -5`: `-5` is negative"},
          {"kills >= 2.5",
           "3:9: the bound of `kills >= 2.5`: `2.5` is no whole number, and what is counted is "
           "one"},
          {"kills >= 50%",
           "3:9: the bound of `kills >= 50%`: `50%`: a percentage is for a ratio and for "
           "`cpu_share`"},
          {"kills >= 20s",
           "3:9: the bound of `kills >= 20s`: `20s` is no plain number, such as 20"},
          {"kills >= 1e3",
           "3:9: the bound of `kills >= 1e3`: `1e3` is no plain number, such as 20"},
          {"kills >= 5 <= 9",
           "3:9: the bound of `kills >= 5 <= 9`: `5 <= 9` is no plain number, such as 20"},
          {"kills >= .5", "3:9: the bound of `kills >= .5`: `.5` is no plain number, such as 20"},
          {"kills >= 9999999999999999",
           "3:9: the bound of `kills >= 9999999999999999`: `9999999999999999` is too large"},
          {"kills >= 0", "3:9: `kills >= 0` is always true"},
          {"kills / runs >= 0%", "3:9: `kills / runs >= 0%` is always true"},
          {"kills / runs >= half",
           "3:9: the bound of `kills / runs >= half`: `half` is no plain number, such as 0.5 or "
           "50%"},
          {"kills / runs >= -50%", "3:9: the bound of `kills / runs >= -50%`: `-50%` is negative"},
          {"cpu >= 20",
           "3:9: the bound of `cpu >= 20`: `20` has no unit: us, ms, s, m or h, as in \"500ms\""},
          {"cpu >= 20MiB",
           "3:9: the bound of `cpu >= 20MiB`: `MiB` is not a unit here: us, ms, s, m or h, as in "
           "\"500ms\""},
          {"cpu >= 99999999999999999999h",
           "3:9: the bound of `cpu >= 99999999999999999999h`: `99999999999999999999h` has too many "
           "digits"},
          {"cpu / runs >= 0.5",
           "3:9: the bound of `cpu / runs >= 0.5`: `0.5` has no unit: us, ms, s, m or h, as in "
           "\"500ms\""},
          {"response_bytes >= 20MB",
           "3:9: the bound of `response_bytes >= 20MB`: `MB` is not a unit here: B, KiB, MiB, GiB "
           "or TiB, as in \"64MiB\"; did you mean \"20MiB\"?"},
          {"response_bytes / runs >= 5s",
           "3:9: the bound of `response_bytes / runs >= 5s`: `s` is not a unit here: B, KiB, MiB, "
           "GiB or TiB, as in \"64MiB\""},
          {"response_bytes / cpu >= 5",
           "3:9: `response_bytes / cpu` has no unit here: an amount is divided by a count, or by "
           "one of its kind"},
          {"runs / cpu >= 5",
           "3:9: `runs / cpu` has no unit here: an amount is divided by a count, or by one of its "
           "kind"},
          {"kills + cpu >= 5", "3:9: `kills` and `cpu` are of different units and have no sum"},
          {"kills + kills >= 5", "3:9: `kills` is added to itself"},
          {"kills + kills.pids >= 5", "3:9: `kills` counts `kills.pids` already"},
          {"refused.queue + refused >= 5", "3:9: `refused` counts `refused.queue` already"},
          {"kills / kills >= 1", "3:9: `kills / kills` is always 1"},
          {"same_code + kills >= 5",
           "3:9: `same_code` is a level and stands alone, as in \"same_code >= 5\""},
          {"kills / same_code >= 5",
           "3:9: `same_code` is a level and stands alone, as in \"same_code >= 5\""},
          {"cpu_share >= 1.5", "3:9: `cpu_share >= 1.5`: all processors together are 1, or 100%"},
          {"cpu_share / runs >= 0.5", "3:9: `cpu_share` stands alone, as in \"cpu_share >= 0.5\""},
          {"cpu_share >= 5s",
           "3:9: the bound of `cpu_share >= 5s`: `5s` is no plain number, such as 0.5 or 50%"},
          {"cpu_shar >= 0.5", "3:9: unknown counter `cpu_shar`; did you mean `cpu_share`?"},
          {"kills <= 5",
           "3:1: rule `a` would hit every canvas that is used at all; say hits_everything = true "
           "if that is meant"},
          {"requests >= 2",
           "3:1: rule `a` would hit every canvas that is used at all; say hits_everything = true "
           "if that is meant"},
      }));
  EXPECT_THAT(ErrorsWhen("kills >= " + std::string(kConditionBytes, '1')),
              ElementsAre("3:9: a condition is at most 200 bytes long"));
}

TEST(RuleFileTest, TellsWhereASettingIsWrong) {
  EXPECT_MISTAKES(
      ErrorsWith,
      ({
          {"windw = \"10m\"", "4:1: unknown key `windw`; did you mean `window`?"},
          {"action = [\"pause\"]", "4:1: unknown key `action`; did you mean `actions`?"},
          {"about = 5", "4:9: `about` takes a sentence in quotes, not an integer"},
          {"about = \"a\\nb\"", "4:9: `about` is one line, without control characters"},
          {"for = 5", "4:7: `for` takes a duration in quotes, such as \"10m\", not an integer"},
          {"for = \"5\"", "4:7: `for`: `5` has no unit: us, ms, s, m or h, as in \"500ms\""},
          {"for = \"-5s\"", "4:7: `for`: `-5s` is negative"},
          {"for = \"25h\"", "4:7: `for` is at least 0s and at most 24h"},
          {"for = \"500ms\"", "4:7: `for` is a whole number of seconds"},
          {"keep_firing_for = \"1.5s\"", "4:19: `keep_firing_for` is a whole number of seconds"},
          {"keep_firing_for = \"99999999999999999999s\"",
           "4:19: `keep_firing_for`: `99999999999999999999s` has too many digits"},
          {"clear_at = 0", "4:12: `clear_at` is above 0 and at most 1"},
          {"clear_at = 1.01", "4:12: `clear_at` is above 0 and at most 1"},
          {"clear_at = -0.5", "4:12: `clear_at` is above 0 and at most 1"},
          {"clear_at = nan", "4:12: `clear_at` is above 0 and at most 1"},
          {"clear_at = \"0.8\"", "4:12: `clear_at` takes a number, such as 0.8, not a string"},
          {"actions = \"pause\"",
           "4:11: `actions` takes actions in brackets, as in [\"keep evidence\"], not a string"},
          {"actions = [5]",
           "4:12: `actions` takes actions in brackets, as in [\"keep evidence\"]; this is an "
           "integer"},
          {"lasting = \"1h\"",
           "4:1: `lasting` is for what holds a canvas back, and no action of this rule does"},
          {"only = \"demo\"",
           "4:8: `only` takes names of canvases in brackets, as in [\"demo\"], not a string"},
          {"only = []", "4:8: `only` has at least 1 and at most 1000 elements"},
          {"only = [\"demo\", \"Demo\"]",
           "4:17: `Demo` is no canvas name: 1 to 63 of a-z, 0-9, '-' and '_', not starting with "
           "'-' or '_'"},
          {"only = [\"demo\", 5]",
           "4:17: `only` takes names of canvases in brackets, as in [\"demo\"]; this is an "
           "integer"},
          {"except = [\"demo\", \"demo\"]", "4:19: `demo` stands in `except` twice"},
          {"hits_everything = \"yes\"",
           "4:19: `hits_everything` takes true or false, without quotes, not a string"},
          {"hits_everything = 1",
           "4:19: `hits_everything` takes true or false, without quotes, not an integer"},
      }));
}

TEST(RuleFileTest, TellsWhereAnActionIsWrong) {
  EXPECT_MISTAKES(
      ErrorsOfAction,
      ({
          {"paus", "4:12: unknown action `paus`; did you mean `pause`?"},
          {"keep evidense", "4:12: unknown action `keep evidense`; did you mean `keep evidence`?"},
          {"tightn cpu 5s", "4:12: unknown action `tightn cpu 5s`; did you mean `tighten`?"},
          {"explode",
           "4:12: unknown action `explode`; there are \"flag\", \"keep evidence\", \"tighten LIMIT "
           "VALUE\", \"throttle RATE\", \"pause\" and \"suspend\""},
          {"",
           "4:12: unknown action ``; there are \"flag\", \"keep evidence\", \"tighten LIMIT "
           "VALUE\", \"throttle RATE\", \"pause\" and \"suspend\""},
          {"tighten cpu",
           "4:12: `tighten` takes a limit and its value, as in \"tighten cpu 500ms\""},
          {"tighten cpus 5s", "4:12: there is no limit `cpus`; did you mean `cpu`?"},
          {"tighten cpu 5",
           "4:12: `cpu` takes a duration in quotes, such as \"500ms\" or \"2s\", not an integer"},
          {"tighten cpu 5MiB",
           "4:12: `cpu`: `MiB` is not a unit here: us, ms, s, m or h, as in \"500ms\""},
          {"tighten cpu 100h", "4:12: `cpu` is at least 1ms and at most 24h"},
          {"tighten steps none", "4:12: `steps` = none bounds nothing"},
          {"tighten pids 2.5",
           "4:12: `pids` takes a whole number without quotes, such as 8, not a number with a "
           "fraction"},
          {"tighten pids many",
           "4:12: `pids` takes a whole number without quotes, such as 8, not a string"},
          {"tighten armed 0", "4:12: `armed` is not a limit that can be tightened"},
          {"tighten exec true", "4:12: `exec` = true bounds nothing"},
          {"throttle", "4:12: `throttle` takes a rate, as in \"throttle 1/s\""},
          {"throttle none", "4:12: `rate` = none bounds nothing"},
          {"throttle 5",
           "4:12: `rate` takes a rate in quotes, such as \"50/s\", or \"none\", not an integer"},
          {"throttle -1/s", "4:12: `rate`: `-1/s` is negative"},
          {"suspend now", "4:12: unknown action `suspend now`; did you mean `suspend`?"},
      }));
}

TEST(RuleFileTest, TellsWhatARuleLacksOrSaysTwice) {
  EXPECT_THAT(ErrorsOf("[rule.a]\n"),
              ElementsAre("1:7: rule `a` has no `when`", "1:7: rule `a` has no `window`"));
  EXPECT_THAT(ErrorsOf("[rule.a]\nwhen = [\"kills >= 2\", \"kills >= 5\"]\nwindow = \"10m\"\n"),
              ElementsAre("2:23: `kills >= 5` stands beside `kills >= 2`, and only one of them can "
                          "matter"));
  EXPECT_THAT(ErrorsOf("[rule.a]\nwhen = []\nwindow = \"59s\"\n"),
              ElementsAre("2:8: `when` has at least 1 and at most 8 elements",
                          "3:10: `window` is at least 1m and at most 24h"));
  EXPECT_THAT(
      ErrorsOf("[rule.a]\nwhen = \"kills >= 2\"\nwindow = \"25h\"\n"),
      ElementsAre("2:8: `when` takes conditions in brackets, as in [\"kills >= 20\"], not a "
                  "string",
                  "3:10: `window` is at least 1m and at most 24h"));
  EXPECT_THAT(ErrorsOf("[rule.a]\nwhen = [\"kills >= 2\"]\nwindow = \"60.5s\"\n"),
              ElementsAre("3:10: `window` is a whole number of seconds"));
  EXPECT_THAT(ErrorsWith("only = [\"a\"]\nexcept = [\"b\"]"),
              ElementsAre("5:1: `except` stands beside `only`, which says already whom the rule is "
                          "about"));
  EXPECT_THAT(ErrorsWith("actions = [\"pause\", \"suspend\"]"),
              ElementsAre("4:21: a canvas is paused or suspended, not both"));
  EXPECT_THAT(ErrorsWith("actions = [\"throttle 1/s\", \"tighten rate 2/s\"]"),
              ElementsAre("4:28: `tighten rate 2/s` stands beside `throttle 1/s`, and only one of "
                          "them can matter"));
  EXPECT_THAT(ErrorsWith("actions = [\"keep evidence\", \"keep evidence\"]"),
              ElementsAre("4:29: `keep evidence` stands beside `keep evidence`, and only one of "
                          "them can matter"));
  EXPECT_THAT(ErrorsWith("actions = [\"pause\"]\nlasting = 5"),
              ElementsAre("5:11: `lasting` takes a duration in quotes, such as \"1h\", or \"until "
                          "lifted\", not an integer"));
  EXPECT_THAT(ErrorsWith("actions = [\"pause\"]\nlasting = \"0s\""),
              ElementsAre("5:11: `lasting` is at least 1m and at most 8784h"));
  EXPECT_THAT(ErrorsWith("actions = [\"paus\"]\nlasting = \"1h\""),
              ElementsAre("4:12: unknown action `paus`; did you mean `pause`?"))
      << "what `lasting` is for is there, misspelt";
  EXPECT_THAT(ErrorsWith("for = \"1m\"\nfor = \"2m\""),
              ElementsAre("5:1: `for` stands above already: what is said twice would hold once"));
}

TEST(RuleFileTest, TellsWhereASectionIsWrong) {
  EXPECT_THAT(ErrorsOf("[rules.a]\n"), ElementsAre("1:2: unknown section `rules`; did you mean "
                                                   "`rule`?"));
  EXPECT_THAT(ErrorsOf("window = \"10m\"\n"),
              ElementsAre("1:1: unknown section `window`; there is [rule.NAME]"));
  EXPECT_THAT(ErrorsOf("rule = 5\n"), ElementsAre("1:8: `rule` is a section, not an integer"));
  EXPECT_THAT(ErrorsOf("[rule]\nwindow = \"10m\"\n"),
              ElementsAre("2:1: `window` stands in [rule], which only holds sections: write it "
                          "below [rule.NAME]"));
  EXPECT_THAT(ErrorsOf("[rule.Big]\nwhen = [\"kills >= 2\"]\nwindow = \"10m\"\n"),
              ElementsAre("1:7: `Big` is no name of a rule: 1 to 63 of a-z, 0-9, '-' and '_', not "
                          "starting with '-' or '_'"));
  EXPECT_THAT(ErrorsOf("[rule.a\n"), ElementsAre("1:8: the section's `]` is missing"));
}

TEST(RuleFileTest, ARuleStandsOnceInAllFiles) {
  const std::string rule = "[rule.a]\nwhen = [\"kills >= 2\"]\nwindow = \"10m\"\n";
  std::vector<PolicyFile> files = {{"1.toml", "d/1.toml", rule},
                                   {"2.toml", "d/2.toml", "\n" + rule}};
  std::vector<PolicyError> errors;
  EXPECT_EQ(ParseRules(files, &errors), nullptr);
  EXPECT_EQ(policy::ErrorLines("", errors), "d/2.toml:2:7: rule `a` stands in 1.toml:1 already");
  EXPECT_THAT(ErrorsOf(rule + rule),
              ElementsAre("4:1: `[rule.a]` stands above already: what is said twice would hold "
                          "once"));
}

std::string ManyRules(size_t rules, size_t windows) {
  std::string text;
  for (size_t i = 0; i < rules; ++i)
    text += "[rule.r" + std::to_string(i) + "]\nwhen = [\"kills >= 2\"]\nwindow = \"" +
            std::to_string(i % windows + 1) + "m\"\n";
  return text;
}

TEST(RuleFileTest, ThereAreOnlySoManyRulesAndWindows) {
  EXPECT_THAT(ErrorsOf(ManyRules(kRules, kWindows)), IsEmpty());
  EXPECT_THAT(ErrorsOf(ManyRules(kRules + 1, 1)),
              ElementsAre("301:7: there are at most 100 rules, and this is one more"));
  EXPECT_THAT(ErrorsOf(ManyRules(kWindows + 1, kWindows + 1)),
              ElementsAre("25:7: rules have windows of at most 8 different lengths, and that of "
                          "`r8` is one more"));
  EXPECT_THAT(ErrorsOf(std::string(bounds::kPolicyBytes + 1, '#')),
              ElementsAre("1:1: rules are at most 4194304 bytes, all their files together"));
  std::string many;
  for (size_t i = 0; i < bounds::kPolicyErrors + 5; ++i)
    many += "[rule.r" + std::to_string(i) + "]\nwhen = [\"kils >= 2\"]\nwindow = \"1m\"\n";
  const auto errors = ErrorsOf(many);
  ASSERT_EQ(errors.size(), bounds::kPolicyErrors);
  EXPECT_EQ(errors.back(), "59:9: unknown counter `kils`; did you mean `kills`?; and 5 more");
}

TEST(RuleFileTest, EachMistakeIsTold) {
  EXPECT_THAT(ErrorsOf("[rule.a]\nwhen = [\"kils >= 2\", \"kills >= 1s\"]\nwindow = 10\n\n"
                       "[rule.b]\nwhen = [\"kills >= 2\"]\nwindow = \"1h\"\nclear_at = 2\n"),
              ElementsAre("2:9: unknown counter `kils`; did you mean `kills`?",
                          "2:22: the bound of `kills >= 1s`: `1s` is no plain number, such as 20",
                          "3:10: `window` takes a duration in quotes, such as \"10m\", not an "
                          "integer",
                          "8:12: `clear_at` is above 0 and at most 1"));
}

TEST(RuleFileTest, WhatHitsEverythingHasToBeMeant) {
  const std::string refused =
      "3:1: rule `a` would hit every canvas that is used at all; say hits_everything = true if "
      "that is meant";
  for (const std::string condition :
       {"requests >= 10", "kills / runs <= 0.5", "cpu / runs <= 1s", "cpu_share <= 90%",
        "response_bytes <= 1MiB", "same_code >= 1", "processes / runs >= 1", "cpu >= 100ms"})
    EXPECT_THAT(ErrorsWhen(condition), ElementsAre(refused)) << condition;
  for (const std::string condition :
       {"requests >= 11", "kills >= 1", "kills / runs >= 1%", "cpu / runs >= 11ms",
        "cpu_share >= 1%", "response_bytes >= 1MiB", "same_code >= 2", "runs / requests <= 0.9"})
    EXPECT_THAT(ErrorsWhen(condition), IsEmpty()) << condition;
  EXPECT_THAT(ErrorsWhen("requests >= 10\", \"kills >= 1"), IsEmpty()) << "not all are met";
  auto meant =
      MustParse("[rule.a]\nwhen = [\"requests >= 1\"]\nwindow = \"10m\"\nhits_everything = true\n");
  ASSERT_NE(meant, nullptr);
  EXPECT_TRUE(meant->rules[0].may_hit_everything);
  EXPECT_THAT(ErrorsOf("[rule.a]\nwindow = \"10m\"\nwhen = [\"requests >= 1\"]\n"
                       "hits_everything = false\n"),
              ElementsAre(refused));
}

// Bytes of the shipped rules changed, left out and put in: the same ones at each run.
TEST(RuleFileTest, AnyTextIsEitherRulesOrMistakes) {
  std::ifstream in(std::string(NIGHTJAR_SOURCE_DIR) + "/rules/shipped.toml");
  std::stringstream shipped;
  shipped << in.rdbuf();
  const std::string words = "=[]\"/+<>.%- \n0123456789abckilsruntime_\x80";
  std::mt19937 random(7);
  int right = 0;
  for (int i = 0; i < 500; ++i) {
    std::string text = shipped.str();
    for (size_t changes = random() % 4; changes > 0; --changes) {
      const size_t at = random() % text.size();
      const char word = words[random() % words.size()];
      if (random() % 3 == 0)
        text.erase(at, 1 + random() % 20);
      else if (random() % 2 == 0)
        text.insert(at, 1, word);
      else
        text[at] = word;
    }
    PolicyFile file{"rules.toml", "rules.toml", text};
    std::vector<PolicyError> errors;
    auto rules = ParseRules(std::span(&file, 1), &errors);
    ASSERT_EQ(rules == nullptr, !errors.empty()) << text;
    for (const PolicyError& error : errors) {
      EXPECT_GT(error.line, 0u) << error.message;
      EXPECT_GT(error.column, 0u) << error.message;
      EXPECT_EQ(error.file, "rules.toml") << error.message;
    }
    if (rules != nullptr) ++right;
  }
  EXPECT_GT(right, 50);
  EXPECT_LT(right, 450);
}

}  // namespace
}  // namespace nightjar::rules
