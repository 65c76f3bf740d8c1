#include "rules/trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipc/core/clock.h"
#include "tests/unit/rules/rig.h"

namespace nightjar::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kStart = 1'000'000'020;  // a minute's begin

proto::CounterSlot Slot(int64_t minute, const std::string& canvas, uint64_t kills, uint64_t runs) {
  proto::CounterSlot slot;
  slot.set_begins_unix_s(kStart + minute * 60);
  slot.set_seconds(60);
  Counts counts;
  counts[Counter::kKills] = kills;
  counts[Counter::kRuns] = runs;
  *slot.add_rows() = OnWire(canvas, counts);
  return slot;
}

Time Minute(int64_t minute) {
  return Time(Seconds(kStart + minute * 60));
}

std::shared_ptr<const RuleSet> Runaway() {
  return RulesOf(R"([rule.runaway]
when = ["kills >= 20", "kills / runs >= 0.5"]
window = "10m"
actions = ["keep evidence", "suspend"]
lasting = "1h"
[rule.busy]
when = ["runs >= 100000"]
window = "10m"
)");
}

TEST(TrialTest, SaysWhichCanvasesWouldHaveBeenHitWhenAndWhatWouldHaveBeenDone) {
  Trial trial(Runaway(), 2);
  for (int64_t minute = 0; minute < 10; ++minute) {
    trial.Take(Slot(minute, "spinner", 5, 6));
    trial.Take(Slot(minute, "polite", 1, 60));
  }
  const proto::RuleTrial found = trial.Finish(Minute(-100), Minute(60));
  ASSERT_EQ(found.hits_size(), 1);
  const proto::RuleHit& hit = found.hits(0);
  EXPECT_EQ(hit.rule(), "runaway");
  EXPECT_EQ(hit.canvas(), "spinner");
  EXPECT_EQ(hit.began_unix_us(), UnixMicros(Minute(4)));
  EXPECT_GT(hit.ended_unix_us(), UnixMicros(Minute(15)));
  EXPECT_LT(hit.ended_unix_us(), UnixMicros(Minute(30)));
  EXPECT_THAT(hit.explanation(), HasSubstr("kills = 20 (>= 20)"));
  EXPECT_THAT(hit.over(), HasSubstr("over after"));
  EXPECT_THAT(hit.would(), ElementsAre("keep evidence", "suspend"));
  EXPECT_THAT(hit.done(), IsEmpty());
  ASSERT_EQ(found.rules_size(), 2);
  EXPECT_EQ(found.rules(0).hits(), 1u);
  EXPECT_EQ(found.rules(0).open_hits(), 0u);
  EXPECT_EQ(found.rules(1).hits(), 0u);
  EXPECT_EQ(found.canvases(), 2u);
  EXPECT_EQ(found.slots(), 10u);
  EXPECT_EQ(found.first_unix_us(), UnixMicros(Minute(0)));
  EXPECT_EQ(found.since_unix_us(), UnixMicros(Minute(-100)));
}

TEST(TrialTest, AHitGoesOnThroughHoursAndAnotherBeginsAfterItsEnd) {
  Trial trial(Runaway(), 2);
  for (int64_t minute = 0; minute < 200; ++minute) trial.Take(Slot(minute, "spinner", 5, 6));
  for (int64_t minute = 1000; minute < 1010; ++minute) trial.Take(Slot(minute, "spinner", 5, 6));
  const proto::RuleTrial found = trial.Finish(Minute(0), Minute(1010));
  ASSERT_EQ(found.hits_size(), 2);
  EXPECT_NE(found.hits(0).ended_unix_us(), 0);
  EXPECT_EQ(found.hits(1).ended_unix_us(), 0);
  EXPECT_EQ(found.rules(0).hits(), 2u);
  EXPECT_EQ(found.rules(0).open_hits(), 1u);
}

TEST(TrialTest, ARuleThatWouldHitMostCanvasesWouldDoNothing) {
  Trial trial(Runaway(), 2);
  for (int i = 0; i < 20; ++i) trial.Take(Slot(0, "c" + std::to_string(i), 30, 30));
  const proto::RuleTrial found = trial.Finish(Minute(0), Minute(1));
  ASSERT_EQ(found.hits_size(), 20);
  for (const proto::RuleHit& hit : found.hits()) {
    EXPECT_TRUE(hit.held_back());
    EXPECT_THAT(hit.would(), IsEmpty());
  }
}

TEST(TrialTest, AMinuteThatIsNotOverCounts) {
  Trial trial(Runaway(), 2);
  trial.Take(Slot(0, "spinner", 30, 30));
  EXPECT_EQ(trial.Finish(Minute(0), Minute(0) + Seconds(10)).hits_size(), 1);
}

TEST(TrialTest, OfNothingNothingIsHit) {
  Trial trial(Runaway(), 2);
  const proto::RuleTrial found = trial.Finish(Minute(0), Minute(10'000'000));
  EXPECT_EQ(found.slots(), 0u);
  EXPECT_EQ(found.first_unix_us(), 0);
  EXPECT_EQ(found.hits_size(), 0);
  EXPECT_EQ(found.rules_size(), 2);
}

}  // namespace
}  // namespace nightjar::rules
