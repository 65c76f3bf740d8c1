// How fast a canvas's refusals go out.

#include "supervisor/admission/refusal_pace.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "ipc/core/bounds.h"

namespace nightjar::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr MonoTime kStart{seconds(1000)};
constexpr Nanos kBetween = Nanos(seconds(1)) / bounds::kRefusalsPerSecond;

class RefusalPaceTest : public ::testing::Test {
 protected:
  // How many turns of this canvas in a row are `now`; takes those, and the next one.
  int AtOnce(const std::string& canvas, MonoTime now) {
    int count = 0;
    while (pace_.TakeTurn(canvas, now) == now) ++count;
    return count;
  }

  RefusalPace pace_;
};

TEST_F(RefusalPaceTest, SomeGoAtOnceAndTheRestOneAfterTheOther) {
  EXPECT_EQ(AtOnce("demo", kStart), bounds::kRefusalsAtOnce);
  EXPECT_EQ(pace_.TakeTurn("demo", kStart), kStart + 2 * kBetween);
  EXPECT_EQ(pace_.TakeTurn("demo", kStart), kStart + 3 * kBetween);
}

TEST_F(RefusalPaceTest, WhoAsksNoFasterThanThatIsNeverHeld) {
  MonoTime now = kStart;
  for (int i = 0; i < 10 * bounds::kRefusalsAtOnce; ++i, now += kBetween)
    ASSERT_EQ(pace_.TakeTurn("demo", now), now);
}

TEST_F(RefusalPaceTest, TurnsThatNobodyTookAreKeptUpToAsManyAsGoAtOnce) {
  AtOnce("demo", kStart);
  EXPECT_EQ(AtOnce("demo", kStart + 11 * kBetween), 10);
  EXPECT_EQ(AtOnce("demo", kStart + seconds(3600)), bounds::kRefusalsAtOnce);
}

TEST_F(RefusalPaceTest, NoneIsHeldForLongerThanTheBound) {
  MonoTime last{};
  for (int i = 0; i < 10 * bounds::kRefusalsPerSecond; ++i)
    last = std::max(last, pace_.TakeTurn("demo", kStart));
  EXPECT_EQ(last, kStart + bounds::kRefusalDelayMax);
  EXPECT_EQ(pace_.TakeTurn("demo", kStart + milliseconds(10)),
            kStart + bounds::kRefusalDelayMax + kBetween);
}

TEST_F(RefusalPaceTest, NoCanvasWaitsForAnother) {
  AtOnce("flood", kStart);
  EXPECT_EQ(AtOnce("demo", kStart), bounds::kRefusalsAtOnce);
  EXPECT_EQ(AtOnce("", kStart), bounds::kRefusalsAtOnce);
}

}  // namespace
}  // namespace nightjar::testing
