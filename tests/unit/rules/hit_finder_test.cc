#include "rules/hit_finder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include "tests/unit/rules/rig.h"

namespace nightjar::rules {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using enum Counter;

// Slices of 30 s.
const std::string kRunaway = R"(# ours
[rule.runaway]
when = ["kills >= 20", "kills / runs >= 0.5"]
window = "10m"
)";

TEST(HitFinderTest, HitsWhenAllConditionsHoldAndSaysWhy) {
  Rig rig(kRunaway);
  rig.Count("shop", {{kRuns, 30}, {kKills, 19}});
  EXPECT_THAT(rig.Look(), IsEmpty());
  rig.Pass(seconds(2));
  rig.Count("shop", {{kKills, 6}});
  EXPECT_THAT(rig.Look(), ElementsAre("began runaway shop"));
  const Change& change = rig.changes[0];
  EXPECT_EQ(change.rule, rig.finder.rules().Find("runaway"));
  EXPECT_EQ(change.at, rig.now);
  EXPECT_EQ(change.began, rig.now);
  EXPECT_FALSE(change.hold_back);
  ASSERT_EQ(change.findings.size(), 2u);
  EXPECT_EQ(change.findings[0].condition, "kills >= 20");
  EXPECT_EQ(change.findings[0].value, "25");
  EXPECT_EQ(change.findings[1].condition, "kills / runs >= 0.5");
  EXPECT_EQ(change.findings[1].value, "0.83");
  EXPECT_EQ(change.explanation,
            "rule runaway (rules.toml:2): in 10m, kills = 25 (>= 20) and kills / runs = 0.83 (>= "
            "0.5)");
  EXPECT_THAT(rig.Look(), IsEmpty()) << "it is told once";
}

TEST(HitFinderTest, OneConditionAloneIsNotEnough) {
  Rig rig(kRunaway);
  rig.Count("busy", {{kRuns, 1000}, {kKills, 400}});
  rig.Count("small", {{kRuns, 10}, {kKills, 10}});
  EXPECT_THAT(rig.Look(), IsEmpty());
}

TEST(HitFinderTest, ARatioToZeroIsNotMet) {
  Rig rig(
      "[rule.a]\nwhen = [\"errors / runs >= 0.5\"]\nwindow = \"10m\"\n"
      "[rule.b]\nwhen = [\"errors / runs <= 0.5\"]\nwindow = \"10m\"\nhits_everything = true\n");
  rig.Count("shop", {{kErrors, 10}});
  EXPECT_THAT(rig.Look(), IsEmpty());
  rig.Count("shop", {{kRuns, 1}});
  EXPECT_THAT(rig.Look(), ElementsAre("began a shop"));
}

TEST(HitFinderTest, AWindowLosesItsOldestSliceAsAWhole) {
  Rig rig(
      "[rule.a]\nwhen = [\"kills >= 2\"]\nwindow = \"10m\"\nkeep_firing_for = \"0s\"\n"
      "clear_at = 1\n");
  rig.Pass(seconds(29));  // the last second of its slice
  rig.Count("a", {{kKills, 1}});
  rig.Pass(seconds(1));  // the next slice
  rig.Count("a", {{kKills, 1}});
  EXPECT_THAT(rig.Look(), ElementsAre("began a a"));
  rig.Pass(seconds(19 * 30 - 1));
  EXPECT_THAT(rig.Look(), IsEmpty());
  rig.Pass(seconds(1));  // 20 slices on from the first
  EXPECT_THAT(rig.Look(), ElementsAre("ended a a"));
  EXPECT_EQ(rig.finder.canvases(), 1u) << "the second one is still within the window";
  rig.Pass(seconds(30));
  rig.Look();
  EXPECT_EQ(rig.finder.canvases(), 0u);
}

TEST(HitFinderTest, ALevelIsTheHighestOfItsWindow) {
  Rig rig("[rule.a]\nwhen = [\"same_code >= 5\"]\nwindow = \"10m\"\nkeep_firing_for = \"0s\"\n");
  rig.Count("a", {{kSameCode, 3}});
  rig.Count("a", {{kSameCode, 3}});
  EXPECT_THAT(rig.Look(), IsEmpty()) << "it is no sum";
  rig.Count("a", {{kSameCode, 5}});
  rig.Pass(minutes(5));
  rig.Count("a", {{kSameCode, 1}});
  EXPECT_THAT(rig.Look(), ElementsAre("began a a"));
  rig.Pass(minutes(5));
  EXPECT_THAT(rig.Look(), ElementsAre("ended a a")) << "the highest has left the window";
}

TEST(HitFinderTest, CpuShareIsOfAllProcessors) {
  const std::string text = "[rule.a]\nwhen = [\"cpu_share >= 50%\"]\nwindow = \"1m\"\n";
  Rig four(text, 4);
  four.Count("a", {{kCpu, 119'000'000}});
  EXPECT_THAT(four.Look(), IsEmpty());
  four.Count("a", {{kCpu, 1'000'000}});
  EXPECT_THAT(four.Look(), ElementsAre("began a a"));
  EXPECT_EQ(four.changes[0].explanation, "rule a (rules.toml:1): in 1m, cpu_share = 50% (>= 50%)");
  Rig one(text, 1);
  one.Count("a", {{kCpu, 30'000'000}});
  EXPECT_THAT(one.Look(), ElementsAre("began a a"));
}

TEST(HitFinderTest, WaitsAsLongAsForSays) {
  Rig rig("[rule.a]\nwhen = [\"kills >= 2\"]\nwindow = \"10m\"\nfor = \"2m\"\n");
  rig.Count("a", {{kKills, 2}});
  EXPECT_THAT(rig.Look(), IsEmpty());
  rig.Pass(seconds(119));
  EXPECT_THAT(rig.Look(), IsEmpty());
  rig.Pass(seconds(1));
  EXPECT_THAT(rig.Look(), ElementsAre("began a a"));
  EXPECT_EQ(rig.changes[0].began, rig.now);
}

TEST(HitFinderTest, WhatIsNotMetInBetweenWaitsAnew) {
  Rig rig("[rule.a]\nwhen = [\"kills / runs >= 0.5\"]\nwindow = \"1m\"\nfor = \"30s\"\n");
  rig.Count("a", {{kKills, 1}, {kRuns, 1}});
  EXPECT_THAT(rig.Look(), IsEmpty());
  rig.Pass(seconds(20));
  rig.Count("a", {{kRuns, 2}});
  EXPECT_THAT(rig.Look(), IsEmpty());
  rig.Pass(seconds(2));
  rig.Count("a", {{kKills, 2}});
  EXPECT_THAT(rig.Look(), IsEmpty());
  rig.Pass(seconds(29));
  EXPECT_THAT(rig.Look(), IsEmpty());
  rig.Pass(seconds(1));
  EXPECT_THAT(rig.Look(), ElementsAre("began a a"));
}

// Of 10 kills in a window of a minute (slices of 3 s) at 20 per cent below the bound.
TEST(HitFinderTest, AHitStandsUntilTheValueIsClearlyBelow) {
  Rig rig(
      "[rule.a]\nwhen = [\"kills >= 10\"]\nwindow = \"1m\"\nkeep_firing_for = \"0s\"\n"
      "clear_at = 0.8\n");
  rig.Count("a", {{kKills, 1}});
  rig.Pass(seconds(3));
  rig.Count("a", {{kKills, 1}});
  rig.Pass(seconds(3));
  rig.Count("a", {{kKills, 1}});
  rig.Pass(seconds(3));
  rig.Count("a", {{kKills, 7}});
  EXPECT_THAT(rig.Look(), ElementsAre("began a a"));
  rig.Pass(seconds(54));  // 8 are left
  EXPECT_THAT(rig.Look(), IsEmpty());
  rig.Pass(seconds(3));  // 7
  EXPECT_THAT(rig.Look(), ElementsAre("ended a a"));
  rig.Count("a", {{kKills, 2}});  // 9: enough to go on, not to begin
  EXPECT_THAT(rig.Look(), IsEmpty());
  rig.Count("a", {{kKills, 1}});
  EXPECT_THAT(rig.Look(), ElementsAre("began a a"));
}

TEST(HitFinderTest, AnUpperBoundIsSoftenedUpwards) {
  Rig rig(
      "[rule.a]\nwhen = [\"response_bytes / runs <= 100B\", \"runs >= 5\"]\nwindow = \"1h\"\n"
      "keep_firing_for = \"0s\"\nclear_at = 0.5\n");
  rig.Count("a", {{kRuns, 10}, {kResponseBytes, 1000}});
  EXPECT_THAT(rig.Look(), ElementsAre("began a a"));
  rig.Count("a", {{kResponseBytes, 1000}});
  EXPECT_THAT(rig.Look(), IsEmpty()) << "200 a run is 100 / 0.5";
  rig.Count("a", {{kResponseBytes, 1}});
  EXPECT_THAT(rig.Look(), ElementsAre("ended a a"));
}

TEST(HitFinderTest, AHitIsOverWhenItWasNotMetForSoLong) {
  Rig rig(
      "[rule.a]\nwhen = [\"kills / runs >= 0.5\"]\nwindow = \"1h\"\nkeep_firing_for = \"5m\"\n"
      "clear_at = 1\n");
  rig.Count("a", {{kKills, 1}, {kRuns, 1}});
  EXPECT_THAT(rig.Look(), ElementsAre("began a a"));
  const Time began = rig.now;
  rig.Pass(minutes(1));
  rig.Count("a", {{kRuns, 2}});
  EXPECT_THAT(rig.Look(), IsEmpty());
  rig.Pass(minutes(4));
  rig.Count("a", {{kKills, 1}});  // 2 of 3
  EXPECT_THAT(rig.Look(), IsEmpty());
  rig.Pass(minutes(1));
  rig.Count("a", {{kRuns, 3}});
  EXPECT_THAT(rig.Look(), IsEmpty()) << "counted from here on";
  rig.Pass(minutes(5) - seconds(1));
  EXPECT_THAT(rig.Look(), IsEmpty());
  rig.Pass(seconds(1));
  EXPECT_THAT(rig.Look(), ElementsAre("ended a a"));
  EXPECT_EQ(rig.changes[0].began, began);
  EXPECT_EQ(rig.changes[0].at, rig.now);
  EXPECT_THAT(rig.changes[0].findings, IsEmpty());
  EXPECT_EQ(rig.changes[0].explanation, "rule a (rules.toml:1): over after 11m, not met for 5m");
}

TEST(HitFinderTest, AHitOfACanvasThatFellSilentEnds) {
  Rig rig(
      "[rule.a]\nwhen = [\"response_bytes <= 1KiB\", \"cpu_share <= 99%\"]\nwindow = \"10m\"\n"
      "hits_everything = true\n");
  rig.Count("a", {{kRequests, 1}});
  EXPECT_THAT(rig.Look(), ElementsAre("began a a"));
  rig.Pass(minutes(10));
  EXPECT_THAT(rig.Look(), IsEmpty()) << "not used within the window: not met, since now";
  EXPECT_EQ(rig.finder.canvases(), 0u);
  rig.Pass(minutes(10));
  EXPECT_THAT(rig.Look(), ElementsAre("ended a a"));
  rig.Pass(hours(5));
  EXPECT_THAT(rig.Look(), IsEmpty());
}

TEST(HitFinderTest, TellsAgainOfAHitThatOutlastsWhatWasDone) {
  Rig rig(
      "[rule.a]\nwhen = [\"kills >= 10\"]\nwindow = \"10m\"\nactions = [\"suspend\"]\n"
      "lasting = \"30m\"\n");
  rig.Count("a", {{kKills, 10}});
  EXPECT_THAT(rig.Look(), ElementsAre("began a a"));
  const Time began = rig.now;
  for (int turn = 0; turn < 2; ++turn) {
    for (int i = 0; i < 5; ++i) {
      rig.Pass(minutes(5));
      rig.Count("a", {{kKills, 5}});
      EXPECT_THAT(rig.Look(), IsEmpty());
    }
    rig.Pass(minutes(5));
    rig.Count("a", {{kKills, 4}});  // 9 in the window
    EXPECT_THAT(rig.Look(), ElementsAre("again a a")) << turn;
    EXPECT_EQ(rig.changes[0].began, began);
    EXPECT_EQ(rig.changes[0].explanation,
              "rule a (rules.toml:1): in 10m, kills = 9 (>= 10, over below 8)");
    rig.Count("a", {{kKills, 1}});
  }
}

TEST(HitFinderTest, DoesNotTellAgainWhileTheHitIsNotMet) {
  Rig rig(
      "[rule.a]\nwhen = [\"kills >= 10\"]\nwindow = \"10m\"\nactions = [\"suspend\"]\n"
      "lasting = \"30m\"\nkeep_firing_for = \"5h\"\n");
  rig.Count("a", {{kKills, 10}});
  EXPECT_THAT(rig.Look(), ElementsAre("began a a"));
  for (int i = 0; i < 20; ++i) {
    rig.Pass(minutes(10));
    EXPECT_THAT(rig.Look(), IsEmpty());
  }
  rig.Count("a", {{kKills, 10}});
  EXPECT_THAT(rig.Look(), ElementsAre("again a a"));
}

TEST(HitFinderTest, WhatLastsUntilItIsLiftedIsToldOnce) {
  for (const std::string how : {"actions = [\"suspend\"]\nlasting = \"until lifted\"\n", ""}) {
    Rig rig("[rule.a]\nwhen = [\"kills >= 10\"]\nwindow = \"10m\"\n" + how);
    rig.Count("a", {{kKills, 10}});
    EXPECT_THAT(rig.Look(), ElementsAre("began a a"));
    for (int i = 0; i < 100; ++i) {
      rig.Pass(minutes(5));
      rig.Count("a", {{kKills, 10}});
      EXPECT_THAT(rig.Look(), IsEmpty());
    }
  }
}

TEST(HitFinderTest, OnlyAndExceptSayWhomARuleIsAbout) {
  Rig rig(
      "[rule.a]\nwhen = [\"kills >= 1\"]\nwindow = \"10m\"\nonly = [\"x\", \"z\"]\n"
      "[rule.b]\nwhen = [\"kills >= 1\"]\nwindow = \"10m\"\nexcept = [\"x\"]\n");
  for (const char* canvas : {"z", "y", "x"}) rig.Count(canvas, {{kKills, 1}});
  EXPECT_THAT(rig.Look(), ElementsAre("began a x", "began a z", "began b y", "began b z"))
      << "in the order of rules, then of names";
}

TEST(HitFinderTest, EachRuleHasItsOwnWindow) {
  Rig rig(
      "[rule.short]\nwhen = [\"kills >= 10\"]\nwindow = \"1m\"\n"
      "[rule.long]\nwhen = [\"kills >= 10\", \"runs >= 5\"]\nwindow = \"1h\"\n");
  for (int i = 0; i < 10; ++i) {
    rig.Count("slow", {{kKills, 1}, {kRuns, 1}});
    EXPECT_EQ(rig.Look().size(), i == 9 ? 1u : 0u) << i;
    if (i < 9) rig.Pass(minutes(2));
  }
  EXPECT_EQ(LineOf(rig.changes.at(0)), "began long slow");
  rig.Count("fast", {{kKills, 10}});
  EXPECT_THAT(rig.Look(), ElementsAre("began short fast"));
  EXPECT_EQ(rig.finder.canvases(), 2u);
}

TEST(HitFinderTest, TimeDoesNotGoBack) {
  Rig rig("[rule.a]\nwhen = [\"kills >= 2\"]\nwindow = \"1m\"\n");
  rig.Count("a", {{kKills, 1}});
  rig.now -= hours(1);
  rig.Count("a", {{kKills, 1}});
  EXPECT_THAT(rig.Look(), ElementsAre("began a a")) << "both count as of the later time";
  EXPECT_EQ(rig.changes[0].at, rig.now + hours(1));
}

// `hits` of `used` canvases.
std::vector<Change> Spread(Rig& rig, size_t hits, size_t used) {
  for (size_t i = 0; i < used; ++i)
    rig.Count("c" + std::to_string(100 + i), {{kRuns, 1}, {kKills, i < hits ? 1 : 0}});
  rig.Look();
  return rig.changes;
}

TEST(HitFinderTest, ARuleThatHitsMostCanvasesIsHeldBack) {
  const std::string text = "[rule.a]\nwhen = [\"kills >= 1\"]\nwindow = \"10m\"\n";
  Rig few(text);
  for (const Change& change : Spread(few, kHitsSuspicious, kHitsSuspicious))
    EXPECT_FALSE(change.hold_back);
  Rig half(text);
  for (const Change& change : Spread(half, 11, 22)) EXPECT_FALSE(change.hold_back);
  Rig most(text);
  auto changes = Spread(most, 11, 21);
  ASSERT_EQ(changes.size(), 11u) << "hits go on being told";
  for (const Change& change : changes) {
    EXPECT_TRUE(change.hold_back);
    EXPECT_EQ(change.explanation,
              "rule a (rules.toml:1): in 10m, kills = 1 (>= 1); held back: the rule hits 11 of 21 "
              "canvases in use, which looks like a mistake in it");
  }
  // One that comes later is held back too; one of a rule that is all right is not.
  most.Count("late", {{kKills, 1}});
  EXPECT_THAT(most.Look(), ElementsAre("began a late"));
  EXPECT_TRUE(most.changes[0].hold_back);
  for (int i = 0; i < 20; ++i) most.Count("calm" + std::to_string(i), {{kRuns, 1}});
  most.Count("later", {{kKills, 1}});
  EXPECT_THAT(most.Look(), ElementsAre("began a later"));
  EXPECT_FALSE(most.changes[0].hold_back);
  // Its end is told as any other.
  most.Pass(minutes(10));
  EXPECT_THAT(most.Look(), IsEmpty());
  most.Pass(minutes(10));
  EXPECT_EQ(most.Look().size(), 13u);
  for (const Change& change : most.changes) EXPECT_FALSE(change.hold_back);
}

TEST(HitFinderTest, AHitGoesOnFromAnotherFinder) {
  const std::string text =
      "[rule.a]\nwhen = [\"kills >= 2\"]\nwindow = \"10m\"\nactions = [\"suspend\"]\n"
      "lasting = \"1h\"\nkeep_firing_for = \"5m\"\n";
  Rig rig(text);
  const Time began = rig.now - minutes(150);
  rig.finder.GoOn("a", "x", began, rig.now);
  rig.finder.GoOn("gone", "x", began, rig.now);
  EXPECT_THAT(rig.Look(), IsEmpty()) << "it is not told anew";
  rig.Pass(minutes(4));
  rig.Count("x", {{kKills, 2}});
  EXPECT_THAT(rig.Look(), IsEmpty());
  rig.Pass(minutes(10));
  EXPECT_THAT(rig.Look(), IsEmpty()) << "not met from here on";
  rig.Pass(minutes(5));
  ASSERT_THAT(rig.Look(), ElementsAre("ended a x"));
  EXPECT_EQ(rig.changes[0].began, began);
}

TEST(HitFinderTest, AHitThatWentOnIsActedOnWhenItWouldHaveBeen) {
  Rig rig(
      "[rule.a]\nwhen = [\"kills >= 2\"]\nwindow = \"10m\"\nactions = [\"suspend\"]\n"
      "lasting = \"1h\"\n");
  rig.finder.GoOn("a", "x", rig.now - minutes(150), rig.now);  // acted on 30 minutes ago
  std::vector<std::string> told;
  for (int i = 0; i < 29; ++i) {
    rig.Count("x", {{kKills, 2}});
    EXPECT_THAT(rig.Look(), IsEmpty()) << i;
    rig.Pass(minutes(1));
  }
  rig.Pass(minutes(1));
  rig.Count("x", {{kKills, 2}});
  EXPECT_THAT(rig.Look(), ElementsAre("again a x"));
}

TEST(HitFinderTest, AHitThatWentOnAndIsNoneAnyMoreEnds) {
  Rig rig("[rule.a]\nwhen = [\"kills >= 2\"]\nwindow = \"10m\"\nexcept = [\"x\"]\n");
  rig.finder.GoOn("a", "x", rig.now, rig.now);
  rig.finder.GoOn("a", "silent", rig.now, rig.now);
  EXPECT_THAT(rig.Look(), IsEmpty());
  rig.Pass(minutes(10));
  rig.Count("x", {{kKills, 100}});
  EXPECT_THAT(rig.Look(), ElementsAre("ended a silent", "ended a x"));
}

// What is allocated. 0 under AddressSanitizer, which does not count so.
size_t HeapBytes() {
  return mallinfo2().uordblks;
}

TEST(HitFinderTest, WhoIsNotUsedAnyMoreTakesNoMemory) {
  Rig rig(kRunaway);
  size_t after_two = 0;
  for (int wave = 0; wave < 20; ++wave) {
    for (int i = 0; i < 1000; ++i)
      rig.Count("w" + std::to_string(wave) + "-" + std::to_string(i), {{kRuns, 30}, {kKills, 19}});
    rig.Look();
    EXPECT_EQ(rig.finder.canvases(), 1000u);
    rig.Pass(minutes(10));
    rig.Look();
    EXPECT_EQ(rig.finder.canvases(), 0u);
    if (wave == 1) after_two = HeapBytes();
  }
  EXPECT_LT(HeapBytes(), after_two + 100'000) << "18,000 canvases later";
}

TEST(HitFinderTest, WithoutRulesItRemembersNobody) {
  Rig rig("");
  rig.Count("a", {{kKills, 100}});
  EXPECT_THAT(rig.Look(), IsEmpty());
  EXPECT_EQ(rig.finder.canvases(), 0u);
}

TEST(HitFinderTest, NothingThatHappenedIsNoUse) {
  Rig rig(kRunaway);
  rig.Count("a", {});
  EXPECT_EQ(rig.finder.canvases(), 0u);
}

TEST(HitFinderTest, ValuesAreWrittenInTheUnitOfTheirBound) {
  Rig rig(
      "[rule.a]\nwhen = [\"cpu >= 40s\", \"cpu / runs >= 1ms\", \"response_bytes >= 1MiB\", "
      "\"kills / runs <= 0.01\", \"errors / runs >= 33%\"]\nwindow = \"1h\"\n");
  rig.Count("a", {{kCpu, 41'234'567},
                  {kRuns, 3000},
                  {kResponseBytes, 1'600'000},
                  {kKills, 7},
                  {kErrors, 1000}});
  ASSERT_THAT(rig.Look(), ElementsAre("began a a"));
  std::vector<std::string> values;
  for (const Finding& finding : rig.changes[0].findings) values.push_back(finding.value);
  EXPECT_THAT(values, ElementsAre("41.2s", "13.7ms", "1.53MiB", "0.0023", "33.3%"));
  EXPECT_EQ(rig.changes[0].explanation,
            "rule a (rules.toml:1): in 1h, cpu = 41.2s (>= 40s), cpu / runs = 13.7ms (>= 1ms), "
            "response_bytes = 1.53MiB (>= 1MiB), kills / runs = 0.0023 (<= 0.01) and errors / runs "
            "= 33.3% (>= 33%)");
}

TEST(HitFinderTest, AValueIsNotRoundedToTheOtherSideOfItsBound) {
  Rig rig("[rule.a]\nwhen = [\"kills / runs >= 0.8333\", \"cpu <= 1.001s\"]\nwindow = \"1h\"\n");
  rig.Count("a", {{kCpu, 1'000'999}, {kRuns, 6}, {kKills, 5}});
  ASSERT_THAT(rig.Look(), ElementsAre("began a a"));
  EXPECT_EQ(rig.changes[0].findings[0].value, "0.8333");
  EXPECT_EQ(rig.changes[0].findings[1].value, "1s");
}

}  // namespace
}  // namespace nightjar::rules
