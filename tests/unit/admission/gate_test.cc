// The front door's no: what it says, and how many records a flood of it leaves.

#include "supervisor/admission/gate.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace nightjar::testing {
namespace {

using policy::RefusalKind;
using std::chrono::milliseconds;
using std::chrono::seconds;

class GateTest : public ::testing::Test {
 protected:
  std::optional<GateRefusal> Ask(const std::string& canvas = "demo", size_t running = 0,
                                 size_t queued = 0) {
    return gate_.Ask(canvas, limits_, running, queued);
  }

  FakeClock clock_;
  policy::Limits limits_;
  Gate gate_{clock_};
};

TEST_F(GateTest, LetsInWhatNoLimitForbids) {
  for (int i = 0; i < 1000; ++i) ASSERT_FALSE(Ask());
}

TEST_F(GateTest, TheRateIsRefilledWithTime) {
  limits_.rate_per_s = {2, {"policy.toml:7", "plan free"}};
  EXPECT_FALSE(Ask());
  EXPECT_FALSE(Ask());
  auto refusal = Ask();
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->kind, RefusalKind::kRate);
  EXPECT_EQ(refusal->limit, "rate");
  EXPECT_EQ(refusal->sentence,
            "more requests than limit rate = 2/s allows (policy.toml:7, plan free)");
  EXPECT_EQ(refusal->retry_after_s, 1u);
  clock_.Advance(milliseconds(499));
  EXPECT_TRUE(Ask());
  clock_.Advance(milliseconds(1));
  EXPECT_FALSE(Ask());
}

// Retry-After is in whole seconds: earlier would be refused again.
TEST_F(GateTest, TheTimeToComeBackIsRoundedUp) {
  limits_.rate_per_s.value = 0.4;
  EXPECT_FALSE(Ask());
  EXPECT_EQ(Ask()->retry_after_s, 3u);  // 2.5 s
  clock_.Advance(milliseconds(600));
  EXPECT_EQ(Ask()->retry_after_s, 2u);  // 1.9 s
}

TEST_F(GateTest, ConcurrencyAndTheQueueBehindItAreOneBound) {
  limits_.concurrency.value = 2;
  limits_.queue.value = 3;
  EXPECT_FALSE(Ask("demo", 2, 2));
  auto refusal = Ask("demo", 2, 3);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->kind, RefusalKind::kConcurrency);
  EXPECT_EQ(refusal->limit, "concurrency");
  EXPECT_EQ(refusal->sentence,
            "as many run and wait already as limit concurrency = 2 allows (built in, default)");
  EXPECT_GE(refusal->retry_after_s, 1u);
  EXPECT_FALSE(Ask("demo", 1, 0));
}

TEST_F(GateTest, ASuspendedCanvasIsClosed) {
  limits_.suspended = {true, {"policy.toml:30", "canvas demo"}};
  auto refusal = Ask();
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->kind, RefusalKind::kSuspended);
  EXPECT_EQ(refusal->sentence,
            "the canvas is suspended by limit suspended = true (policy.toml:30, canvas demo)");
}

TEST_F(GateTest, CanvasesDoNotTakeEachOthersTokens) {
  limits_.rate_per_s.value = 1;
  EXPECT_FALSE(Ask("one"));
  EXPECT_FALSE(Ask("two"));
  EXPECT_TRUE(Ask("one"));
  EXPECT_TRUE(Ask("two"));
}

TEST_F(GateTest, AFloodOfRefusalsIsOneRecordASecond) {
  limits_.suspended.value = true;
  auto first = Ask();
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->opens_incident);
  EXPECT_FALSE(first->incident.none());
  for (int i = 0; i < 100; ++i) {
    clock_.Advance(milliseconds(9));
    auto next = Ask();
    EXPECT_FALSE(next->opens_incident);
    EXPECT_EQ(next->incident, first->incident);  // every caller is shown an id that exists
  }
  clock_.Advance(milliseconds(100));
  auto later = Ask();
  EXPECT_TRUE(later->opens_incident);
  EXPECT_NE(later->incident, first->incident);
}

TEST_F(GateTest, EachKindAndEachCanvasHasItsOwnRecord) {
  limits_.concurrency.value = 1;
  limits_.queue.value = 0;
  limits_.rate_per_s.value = 1;
  EXPECT_FALSE(Ask("one"));
  EXPECT_FALSE(Ask("two"));
  auto rate = Ask("one");
  auto room = Ask("one", 1, 0);
  auto other = Ask("two");
  EXPECT_TRUE(rate->opens_incident && room->opens_incident && other->opens_incident);
  EXPECT_NE(rate->incident, room->incident);
  EXPECT_NE(rate->incident, other->incident);
}

TEST_F(GateTest, AQuotaCountsWhatRunsAndWaitsToo) {
  limits_.quota_runs = {10, {"policy.toml:9", "canvas demo"}};
  const policy::DayUse used{policy::DayOf(clock_.Wall()), 7, 0};
  EXPECT_FALSE(gate_.Ask("demo", limits_, 1, 1, used));
  auto refusal = gate_.Ask("demo", limits_, 2, 1, used);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->kind, RefusalKind::kQuotaRuns);
  EXPECT_EQ(refusal->limit, "quota_runs");
  EXPECT_EQ(refusal->sentence,
            "the canvas had as many runs today (UTC) as limit quota_runs = 10 allows "
            "(policy.toml:9, canvas demo)");
  EXPECT_EQ(refusal->retry_after_s, 86'400u);
  EXPECT_TRUE(refusal->opens_incident);
  EXPECT_FALSE(gate_.Ask("demo", limits_, 2, 1, used)->opens_incident) << "within the second";
  clock_.Advance(std::chrono::hours(24));
  EXPECT_FALSE(gate_.Ask("demo", limits_, 2, 1, used));
}

TEST_F(GateTest, WhoIsOverAQuotaTakesNoTokenAndWhoIsSuspendedIsTold) {
  limits_.quota_cpu.value = seconds(1);
  limits_.rate_per_s.value = 1;
  const policy::DayUse used{policy::DayOf(clock_.Wall()), 0, 1'000'000};
  EXPECT_EQ(gate_.Ask("demo", limits_, 0, 0, used)->kind, RefusalKind::kQuotaCpu);
  EXPECT_FALSE(gate_.Ask("demo", limits_, 0, 0, {}));
  limits_.suspended.value = true;
  EXPECT_EQ(gate_.Ask("demo", limits_, 0, 0, used)->kind, RefusalKind::kSuspended);
}

}  // namespace
}  // namespace nightjar::testing
