#include "policies/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "ipc/core/bounds.h"
#include "policies/limit_table.h"

namespace nightjar::policy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::shared_ptr<const Policy> MustParse(std::string_view text) {
  std::vector<PolicyError> errors;
  auto policy = Policy::Parse(text, "policy.toml", &errors);
  for (const PolicyError& error : errors)
    ADD_FAILURE() << error.line << ":" << error.column << ": " << error.message;
  return policy;
}

// "line:column: message" of each error.
std::vector<std::string> ErrorsOf(std::string_view text) {
  std::vector<PolicyError> errors;
  auto policy = Policy::Parse(text, "policy.toml", &errors);
  EXPECT_EQ(policy == nullptr, !errors.empty());
  std::vector<std::string> lines;
  for (const PolicyError& error : errors)
    lines.push_back(std::to_string(error.line) + ":" + std::to_string(error.column) + ": " +
                    error.message);
  return lines;
}

template <typename T>
std::string OriginOf(const Limit<T>& limit) {
  return limit.origin.source + ", " + limit.origin.layer;
}

constexpr std::string_view kLayered = R"([default]
wall = "3s"
cpu = "1s"
memory = "32MiB"
depth = 500

[canvas.demo]
plan = "free"
memory = "128MiB"
armed = 4

[canvas.demo.handler."GET /slow/:id"]
wall = "20s"
trace_overflow = "kill"

[plan.free]
cpu = "500ms"
rate = "20/s"
canvas_cpus = 0.5
)";

TEST(PolicyTest, LaterLayersWinAndSayWhereTheyStand) {
  auto policy = MustParse(kLayered);
  Limits limits = policy->For("demo", "GET /slow/:id");
  EXPECT_EQ(limits.wall.value, seconds(20));
  EXPECT_EQ(OriginOf(limits.wall), "policy.toml:13, handler GET /slow/:id");
  EXPECT_EQ(limits.cpu.value, milliseconds(500));
  EXPECT_EQ(OriginOf(limits.cpu), "policy.toml:17, plan free");
  EXPECT_EQ(limits.memory_bytes.value, 128u << 20);
  EXPECT_EQ(OriginOf(limits.memory_bytes), "policy.toml:9, canvas demo");
  EXPECT_EQ(limits.depth.value, 500u);
  EXPECT_EQ(OriginOf(limits.depth), "policy.toml:5, default");
  EXPECT_EQ(OriginOf(limits.pids), "built in, default");
  EXPECT_TRUE(limits.trace_overflow_kills.value);
  EXPECT_EQ(limits.rate_per_s.value, 20);
  EXPECT_EQ(limits.canvas_cpus.value, 0.5);
}

TEST(PolicyTest, StepsAreANumberOrNone) {
  EXPECT_EQ(MustParse("[default]\nsteps = 5000\n")->For("a", "").steps.value, 5000u);
  EXPECT_EQ(MustParse("[default]\nsteps = \"none\"\n")->For("a", "").steps.value, 0u);
  for (const char* wrong : {"0", "-1", "\"many\"", "1.5"}) {
    auto errors = ErrorsOf("[default]\nsteps = " + std::string(wrong) + "\n");
    ASSERT_EQ(errors.size(), 1u) << wrong;
    EXPECT_NE(errors[0].find("`steps`"), std::string::npos) << errors[0];
  }
}

TEST(PolicyTest, DiskReadsAreASizeOrNone) {
  auto policy =
      MustParse("[plan.free]\ncanvas_disk_read = \"50MiB\"\n[canvas.a]\nplan = \"free\"\n");
  EXPECT_EQ(policy->For("a", "").canvas_disk_read_bytes.value, 50u << 20);
  EXPECT_EQ(policy->For("b", "").canvas_disk_read_bytes.value, 0u);
  EXPECT_TRUE(policy->LimitsDiskReads());
  EXPECT_FALSE(MustParse("[canvas.a]\ncanvas_disk_read = \"none\"\n")->LimitsDiskReads());
  EXPECT_FALSE(Policy::BuiltIn()->LimitsDiskReads());
  const std::pair<std::string_view, std::string_view> kWrong[] = {
      {"\"0B\"",
       "2:20: `canvas_disk_read` is at least 64KiB and at most 1TiB; \"none\" lifts the bound, and "
       "`suspended = true` lets nothing in"},
      {"\"1KiB\"", "2:20: `canvas_disk_read` is at least 64KiB and at most 1TiB"},
      {"5",
       "2:20: `canvas_disk_read` takes a size in quotes, such as \"64MiB\", or \"none\", not an "
       "integer"},
  };
  for (auto [value, message] : kWrong)
    EXPECT_THAT(ErrorsOf("[default]\ncanvas_disk_read = " + std::string(value) + "\n"),
                testing::ElementsAre(message));
  EXPECT_EQ(ErrorsOf("[canvas.a.handler.\"GET /\"]\ncanvas_disk_read = \"1MiB\"\n").size(), 1u);
}

TEST(PolicyTest, SamplesAreAllNoneOrOneInN) {
  auto policy = MustParse(
      "[default]\ntrace_sample = \"1/100\"\n[canvas.a]\ntrace_sample = \"none\"\n"
      "[canvas.a.handler.\"GET /x\"]\ntrace_sample = \"all\"\ntrace_slow = \"none\"\n");
  EXPECT_EQ(policy->For("b", "").trace_sample.value, 100u);
  EXPECT_EQ(policy->For("a", "").trace_sample.value, 0u);
  EXPECT_EQ(policy->For("a", "").trace_slow.value, seconds(1));
  Limits handler = policy->For("a", "GET /x");
  EXPECT_EQ(handler.trace_sample.value, 1u);
  EXPECT_EQ(OriginOf(handler.trace_sample), "policy.toml:6, handler GET /x");
  EXPECT_EQ(handler.trace_slow.value, seconds(0));
  const std::pair<std::string_view, std::string_view> kWrong[] = {
      {"trace_sample = \"10%\"",
       "2:16: `10%` is not \"all\", \"none\" or one in so many, as in \"1/100\""},
      {"trace_sample = \"non\"",
       "2:16: `non` is not \"all\", \"none\" or one in so many, as in \"1/100\"; did you mean "
       "`none`?"},
      {"trace_sample = \"1/0\"", "2:16: `1/0` is not from \"1/1\" to \"1/1000000\""},
      {"trace_sample = \"1/1000001\"", "2:16: `1/1000001` is not from \"1/1\" to \"1/1000000\""},
      {"trace_sample = \"1/10x\"",
       "2:16: `1/10x` is not \"all\", \"none\" or one in so many, as in \"1/100\""},
      {"trace_sample = 100",
       "2:16: `trace_sample` takes \"all\", \"none\" or one in so many, such as \"1/100\", not an "
       "integer"},
      {"trace_sampel = \"all\"", "2:1: unknown key `trace_sampel`; did you mean `trace_sample`?"},
      {"trace_slow = \"0s\"",
       "2:14: `trace_slow` is at least 1ms and at most 24h; \"none\" switches it off"},
  };
  for (auto [line, message] : kWrong)
    EXPECT_THAT(ErrorsOf("[default]\n" + std::string(line) + "\n"), testing::ElementsAre(message));
}

TEST(PolicyTest, TraceBudgetsAreACanvass) {
  auto policy = MustParse(
      "[plan.free]\ntrace_events_per_day = 100000\ntrace_bytes_per_day = \"200MiB\"\n"
      "[canvas.a]\nplan = \"free\"\ntrace_bytes_per_day = \"none\"\n");
  EXPECT_EQ(policy->For("a", "").trace_events_per_day.value, 100'000u);
  EXPECT_EQ(policy->For("a", "").trace_bytes_per_day.value, 0u);
  EXPECT_EQ(policy->For("b", "").trace_events_per_day.value, 0u);
  EXPECT_THAT(ErrorsOf("[canvas.a.handler.\"GET /\"]\ntrace_events_per_day = 1\n"),
              testing::ElementsAre("2:1: `trace_events_per_day` is a limit of a whole canvas; a "
                                   "handler cannot have its own"));
  EXPECT_THAT(ErrorsOf("[default]\ntrace_bytes_per_day = \"0B\"\n"),
              testing::ElementsAre("2:23: `trace_bytes_per_day` is at least 1KiB and at most "
                                   "1024TiB; \"none\" lifts the bound, and `trace = \"0B\"` "
                                   "records nothing"));
}

TEST(PolicyTest, AskingForTheCanvasLeavesItsHandlersOut) {
  auto policy = MustParse(kLayered);
  EXPECT_EQ(policy->For("demo", "").wall.value, seconds(3));
  EXPECT_EQ(policy->For("demo", "GET /other").wall.value, seconds(3));
}

TEST(PolicyTest, AnUnnamedCanvasGetsTheDefaults) {
  Limits limits = MustParse(kLayered)->For("stranger", "GET /");
  EXPECT_EQ(limits.memory_bytes.value, 32u << 20);
  EXPECT_EQ(limits.rate_per_s.value, 0);
  EXPECT_EQ(OriginOf(limits.rate_per_s), "built in, default");
}

TEST(PolicyTest, AnEmptyFileIsTheBuiltInPolicy) {
  Limits empty = MustParse("")->For("demo", "");
  Limits built_in = Policy::BuiltIn()->For("demo", "");
  for (const LimitKey& key : LimitKeys())
    EXPECT_EQ(key.TextIn(empty).value, key.TextIn(built_in).value) << key.name;
}

TEST(PolicyTest, NoneLiftsABound) {
  auto policy = MustParse("[default]\nrate = \"5/s\"\n[canvas.a]\nrate = \"none\"\n");
  EXPECT_EQ(policy->For("a", "").rate_per_s.value, 0);
  EXPECT_EQ(policy->For("b", "").rate_per_s.value, 5);
}

TEST(PolicyTest, EveryMistakeHasItsPlace) {
  const std::pair<std::string_view, std::string_view> kCases[] = {
      {"[default]\nwal = \"2s\"\n", "2:1: unknown key `wal`; did you mean `wall`?"},
      {"[default]\n  canvas_memroy = \"2s\"\n",
       "2:3: unknown key `canvas_memroy`; did you mean `canvas_memory`?"},
      {"[default]\nfrobnicate = 1\n", "2:1: unknown key `frobnicate`"},
      {"[default]\nwall = 2\n",
       "2:8: `wall` takes a duration in quotes, such as \"500ms\" or \"2s\", not an integer"},
      {"[default]\npids = \"8\"\n",
       "2:8: `pids` takes a whole number without quotes, such as 8, not a string"},
      {"[default]\npids = 2.5\n",
       "2:8: `pids` takes a whole number without quotes, such as 8, not a number with a fraction"},
      {"[default]\nsuspended = \"yes\"\n",
       "2:13: `suspended` takes true or false, without quotes, not a string"},
      {"[default]\nmemory = [1]\n",
       "2:10: `memory` takes a size in quotes, such as \"64MiB\", not an array"},
      {"[default]\nmemory   = \"64MB\"\n",
       "2:12: `MB` is not a unit here: B, KiB, MiB, GiB or TiB, as in \"64MiB\"; did you mean "
       "\"64MiB\"?"},
      {"[default]\nmemory = \"1KiB\"\n", "2:10: `memory` is at least 4MiB and at most 1TiB"},
      {"[default]\npids = 0\n", "2:8: `pids` is at least 1 and at most 10000"},
      {"[default]\npids = -1\n", "2:8: `pids` is a count and not negative"},
      {"[default]\nwall = \"100h\"\n", "2:8: `wall` is at least 1ms and at most 24h"},
      {"[default]\nrate = \"0/s\"\n",
       "2:8: `rate` is at least 1/h and at most 1000000/s; \"none\" lifts the bound, and "
       "`suspended = true` lets nothing in"},
      {"[default]\ncanvas_cpus = nan\n", "2:15: `canvas_cpus` is at least 0.01 and at most 1024"},
      {"[default]\ntrace_overflow = \"stop\"\n",
       "2:18: `trace_overflow` is \"drop\" or \"kill\", not \"stop\""},
      {"[default]\nplan = \"free\"\n", "2:1: `plan` stands in [canvas.NAME] only"},
      {"[canvas.demo]\nplan = \"fre\"\n[plan.free]\n",
       "2:8: unknown plan `fre`; did you mean `free`?"},
      {"[canvas.demo]\nplan = 3\n",
       "2:8: `plan` takes the name of a plan in quotes, not an integer"},
      {"[canvas.Demo]\n",
       "1:9: `Demo` is no canvas name: 1 to 63 of a-z, 0-9, '-' and '_', not starting with '-' or "
       "'_'"},
      {"[canvas]\nwall = \"2s\"\n",
       "2:1: `wall` stands in [canvas], which only holds sections: write it below [canvas.NAME]"},
      {"[canvas.a.handler.\"GET /\"]\nconcurrency = 3\n",
       "2:1: `concurrency` is a limit of a whole canvas; a handler cannot have its own"},
      {"[canvas.a.handler]\nwall = \"1s\"\n",
       "2:1: `wall` stands outside of a handler; write it below [canvas.a.handler.\"GET /x\"]"},
      {"wall = \"2s\"\n", "1:1: `wall` stands outside of a section; write it below [default]"},
      {"[defaults]\n", "1:2: unknown section `defaults`; did you mean `default`?"},
      {"[limits]\n",
       "1:2: unknown section `limits`; there are [default], [plan.NAME] and [canvas.NAME]"},
      {"default = 3\n", "1:11: `default` is a section, not an integer"},
      {"[default]\nmemory = \"1GiB\"\n",
       "2:1: memory = 1GiB (policy.toml:2) of one run is more than canvas_memory = 512MiB (built "
       "in) of its whole canvas"},
  };
  for (auto [text, message] : kCases)
    EXPECT_THAT(ErrorsOf(text), testing::ElementsAre(message)) << text;
}

TEST(PolicyTest, GivesDomainsToCanvases) {
  auto policy = MustParse(
      "[canvas.blog]\ndomains = \"blog.example.com  example.com\"\n[canvas.shop]\n"
      "domains = \"shop.example.com\"\n");
  EXPECT_EQ(policy->CanvasOfDomain("example.com"), "blog");
  EXPECT_EQ(policy->CanvasOfDomain("shop.example.com"), "shop");
  EXPECT_EQ(policy->CanvasOfDomain("www.example.com"), "");
  EXPECT_EQ(ErrorsOf("[canvas.a]\ndomains = \"x.example\"\n[canvas.b]\ndomains = \"x.example\"\n"),
            std::vector<std::string>{"4:11: `x.example` is [canvas.a]'s already"});
  EXPECT_EQ(ErrorsOf("[canvas.a]\ndomains = 5\n"),
            std::vector<std::string>{"2:11: `domains` takes host names in quotes, separated by "
                                     "spaces, not an integer"});
  EXPECT_EQ(ErrorsOf("[canvas.a]\ndomains = \"Upper.example\"\n").size(), 1u);
  EXPECT_EQ(ErrorsOf("[default]\ndomains = \"x.example\"\n"),
            std::vector<std::string>{"2:1: `domains` stands in [canvas.NAME] only"});
}

TEST(PolicyTest, ASyntaxErrorHasItsPlace) {
  auto errors = ErrorsOf("[default]\nwall = \"2s\ncpu = \"1s\"\n");
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_THAT(errors[0], testing::StartsWith("2:11: "));
  errors = ErrorsOf("[default]\nwall = \"2s\"\nwall = \"3s\"\n");
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_THAT(errors[0], testing::StartsWith("3:"));
}

TEST(PolicyTest, WhatIsNotTomlIsToldInASentence) {
  const std::pair<std::string_view, std::string_view> kCases[] = {
      {"[default]\nwall = \"2s\"\n  wall = \"3s\"\n",
       "3:3: `wall` stands above already: what is said twice would hold once"},
      {"[default]\n[canvas.a.handler.\"GET /\"]\n[canvas.a.handler.\"GET /\"]\n",
       "3:1: `[canvas.a.handler.\"GET /\"]` stands above already: what is said twice would hold "
       "once"},
      {"[default]\npids = 99999999999999999999\n", "2:28: this number is too large"},
      {"[default]\ncanvas_cpus = 1e400\n", "2:20: this number is too large"},
      {"[default]\nwall = \"2s\n",
       "2:11: a string ends on the line that it begins on: its closing quote is missing"},
      {"[default]\nwall = 2s\n",
       "2:9: this is no number; what has a unit is written in quotes, as in \"2s\""},
      {"[default]\nwall =\n", "2:7: a value is missing after the `=`"},
      {"[default]\nwall \"2s\"\n", "2:6: a `=` is missing between a key and its value"},
      {"[default\nwall = \"2s\"\n", "1:9: the section's `]` is missing"},
      {"[default]\ntrace_drop = [\"a\",\n",
       "2:20: the file ends inside of an array: its `]` is missing"},
      {"[default]\nsuspended = True\n",
       "2:13: it is `true` or `false`, in lower case and without quotes"},
      {"[default]\npids = 1 cpu = \"1s\"\n",
       "2:10: a line has one setting, and something follows its value"},
      {"[default]\nwall = \"\xff\"\n", "2:8: this is not UTF-8 text"},
      {"[default]\nwal", "2:4: the file ends in the middle of a line"},
  };
  for (auto [text, message] : kCases)
    EXPECT_THAT(ErrorsOf(text), testing::ElementsAre(message)) << text;
}

TEST(PolicyTest, WrongQuantitiesAreToldInASentence) {
  const std::pair<std::string_view, std::string_view> kCases[] = {
      {"memory = \"-5MiB\"", "2:10: `-5MiB` is negative"},
      {"wall = \"-2s\"", "2:8: `-2s` is negative"},
      {"rate = \"-5/s\"", "2:8: `-5/s` is negative"},
      {"canvas_cpus = -1.0", "2:15: `canvas_cpus` is at least 0.01 and at most 1024"},
      {"memory = \"99999999999999TiB\"", "2:10: `99999999999999TiB` is too large"},
      {"wall = \"64MiB\"", "2:8: `MiB` is not a unit here: us, ms, s, m or h, as in \"500ms\""},
      {"memory = \"2s\"", "2:10: `s` is not a unit here: B, KiB, MiB, GiB or TiB, as in \"64MiB\""},
      {"rate = \"5\"", "2:8: `5` has no unit: /s, /m or /h, as in \"50/s\""},
      {"denied_calls = [\"sokcet\"]", "2:16: unknown system call `sokcet`; did you mean `socket`?"},
      {"denied_calls = [\"execve\"]", "2:16: `execve` is needed to start and end a program at all"},
      {"urgent = [\"wal\"]",
       "2:10: `urgent` names limits, and there is no `wal`; did you mean `wall`?"},
      {"urgent = [\"depth\"]",
       "2:10: `depth` cannot be changed for runs in flight; `urgent` takes `wall`, `cpu`, "
       "`output`, `suspended`"},
  };
  for (auto [setting, message] : kCases)
    EXPECT_THAT(ErrorsOf("[default]\n" + std::string(setting) + "\n"),
                testing::ElementsAre(message))
        << setting;
}

TEST(PolicyTest, TellsAllMistakesInTheOrderOfTheFile) {
  auto errors = ErrorsOf("[plan.b]\nwal = 1\n[canvas.a]\nplan = \"x\"\n[default]\ncpu = 2\n");
  ASSERT_EQ(errors.size(), 3u);
  EXPECT_THAT(errors[0], testing::StartsWith("2:1: "));
  EXPECT_THAT(errors[1], testing::StartsWith("4:8: "));
  EXPECT_THAT(errors[2], testing::StartsWith("6:7: "));
}

TEST(PolicyTest, BoundsWhatItReadsAndWhatItSays) {
  std::string many = "[default]\n";
  for (int i = 0; i < 100; ++i) many += "x" + std::to_string(i) + " = 1\n";
  auto errors = ErrorsOf(many);
  EXPECT_EQ(errors.size(), bounds::kPolicyErrors);
  EXPECT_THAT(errors.back(), testing::HasSubstr("and 80 more"));
  EXPECT_EQ(ErrorsOf(std::string(bounds::kPolicyBytes + 1, '#')).size(), 1u);
  std::string deep = "a";
  for (int i = 0; i < 200; ++i) deep += ".a";
  EXPECT_EQ(ErrorsOf("[" + deep + "]\n").size(), 1u);
}

TEST(PolicyTest, DescribesLimitsAsAFileWouldSayThem) {
  std::map<std::string, LimitText> texts;
  for (const LimitText& text : Describe(MustParse(kLayered)->For("demo", "GET /slow/:id")))
    texts[text.name] = text;
  EXPECT_EQ(texts.size(), LimitKeys().size());
  EXPECT_EQ(texts["wall"].value, "20s");
  EXPECT_EQ(texts["wall"].origin.layer, "handler GET /slow/:id");
  EXPECT_EQ(texts["rate"].value, "20/s");
  EXPECT_EQ(texts["trace_overflow"].value, "kill");
  EXPECT_EQ(texts["canvas_cpus"].value, "0.5");
}

TEST(PolicyTest, NamesOfWhatNoTraceShowsAreLayeredLikeLimits) {
  auto policy = MustParse(
      "[default]\ntrace_hash = [\"cookie\"]\n"
      "[canvas.demo]\ntrace_drop = [\"defaults\", \"card.number\"]\n"
      "[canvas.demo.handler.\"GET /x\"]\ntrace_drop = []\n");
  Limits canvas = policy->For("demo", "");
  EXPECT_EQ(canvas.trace_drop.value, (Names{"defaults", "card.number"}));
  EXPECT_EQ(canvas.trace_hash.value, (Names{"cookie"}));
  EXPECT_EQ(canvas.trace_drop.origin.layer, "canvas demo");
  EXPECT_EQ(policy->For("demo", "GET /x").trace_drop.value, Names());
  EXPECT_EQ(policy->For("other", "").trace_drop.value, (Names{"defaults"}));
}

TEST(PolicyTest, SaysWhatIsNoNameOfAField) {
  for (const char* wrong : {"\"cookie\"", "[1]", "[\"\"]", "[\"a b\"]", "[\".a\"]", "[\"a.\"]",
                            "[\"a..b\"]", "[\"a\\\"\"]", "[[\"a\"]]"}) {
    auto errors = ErrorsOf("[default]\ntrace_drop = " + std::string(wrong) + "\n");
    ASSERT_EQ(errors.size(), 1u) << wrong;
  }
  std::string many = "[default]\ntrace_hash = [";
  for (size_t i = 0; i <= bounds::kRedactionNames; ++i) many += "\"a\",";
  EXPECT_EQ(ErrorsOf(many + "]\n").size(), 1u);
  EXPECT_EQ(ErrorsOf("[default]\ntrace_index = [\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\"]\n")
                .size(),
            0u);
  auto nine = ErrorsOf(
      "[default]\ntrace_index = [\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]\n");
  ASSERT_EQ(nine.size(), 1u);
}

// What `nightjar limits` prints can be written into a file again and means the same.
TEST(PolicyTest, DescribedLimitsReadBackAsThemselves) {
  Limits limits = MustParse(kLayered)->For("demo", "GET /slow/:id");
  std::string text = "[default]\n";
  for (const LimitText& limit : Describe(limits)) {
    const LimitKey* key = FindLimitKey(limit.name);
    bool bare = key->kind == LimitKind::kCount || key->kind == LimitKind::kSwitch ||
                key->kind == LimitKind::kNames ||
                (key->kind == LimitKind::kCpus && limit.value != "none");
    text += limit.name + " = " + (bare ? limit.value : "\"" + limit.value + "\"") + "\n";
  }
  Limits again = MustParse(text)->For("any", "");
  for (const LimitKey& key : LimitKeys())
    EXPECT_EQ(key.ValueIn(again), key.ValueIn(limits)) << key.name;
}

}  // namespace
}  // namespace nightjar::policy
