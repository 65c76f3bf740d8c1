#include "policies/admission.h"

#include <gtest/gtest.h>

#include <random>

namespace nightjar::policy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr MonoTime kStart{seconds(1000)};

Limits WithRate(double rate) {
  Limits limits;
  limits.rate_per_s.value = rate;
  return limits;
}

bool Enters(const Admission& admission) {
  return admission.decision == AdmissionDecision::kAdmit;
}

TEST(AdmissionTest, LetsInWithoutARate) {
  AdmissionState state;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(Enters(Admit(state, Limits(), kStart, 0, 0)));
}

TEST(AdmissionTest, ABurstIsOneSecondsWorthAndTheNextTokenIsTimed) {
  AdmissionState state;
  Limits limits = WithRate(4);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(Enters(Admit(state, limits, kStart, 0, 0)));
  Admission refused = Admit(state, limits, kStart, 0, 0);
  EXPECT_EQ(refused.decision, AdmissionDecision::kRefuse);
  EXPECT_EQ(refused.kind, RefusalKind::kRate);
  EXPECT_EQ(refused.retry_after, milliseconds(250));
  EXPECT_EQ(refused.limit.name, "rate");
  EXPECT_EQ(refused.limit.value, "4/s");
  EXPECT_FALSE(Enters(Admit(state, limits, kStart + milliseconds(249), 0, 0)));
  EXPECT_TRUE(Enters(Admit(state, limits, kStart + milliseconds(250), 0, 0)));
}

TEST(AdmissionTest, ABurstOfItsOwnIsLetInAfterAPauseAndTheRateStays) {
  AdmissionState state;
  Limits limits = WithRate(4);
  limits.burst.value = 10;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(Enters(Admit(state, limits, kStart, 0, 0)));
  EXPECT_EQ(Admit(state, limits, kStart, 0, 0).retry_after, milliseconds(250));
  MonoTime later = kStart + seconds(1);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(Enters(Admit(state, limits, later, 0, 0)));
  EXPECT_FALSE(Enters(Admit(state, limits, later, 0, 0)));
  later += seconds(100);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(Enters(Admit(state, limits, later, 0, 0)));
  EXPECT_FALSE(Enters(Admit(state, limits, later, 0, 0)));
}

TEST(AdmissionTest, ARateBelowOneASecondStillLetsOneIn) {
  AdmissionState state;
  Limits limits = WithRate(1.0 / 60);
  EXPECT_TRUE(Enters(Admit(state, limits, kStart, 0, 0)));
  Admission refused = Admit(state, limits, kStart + seconds(59), 0, 0);
  EXPECT_EQ(refused.decision, AdmissionDecision::kRefuse);
  EXPECT_NEAR(std::chrono::duration<double>(refused.retry_after).count(), 1, 1e-6);
  EXPECT_TRUE(Enters(Admit(state, limits, kStart + seconds(60) + milliseconds(1), 0, 0)));
}

// Over simulated time, whoever knocks far too often gets in at the rate and never faster than one
// burst more.
TEST(AdmissionTest, HoldsTheRateOverTime) {
  for (double rate : {0.5, 3.0, 50.0, 999.0}) {
    AdmissionState state;
    Limits limits = WithRate(rate);
    std::mt19937_64 random(3);
    std::exponential_distribution<double> gap(rate * 50);
    const double span_s = 2000 / rate;
    MonoTime now = kStart;
    double entered = 0;
    while (std::chrono::duration<double>(now - kStart).count() < span_s) {
      now += std::chrono::duration_cast<Nanos>(std::chrono::duration<double>(gap(random)));
      Admission admission = Admit(state, limits, now, 0, 0);
      if (Enters(admission)) {
        ++entered;
      } else {
        EXPECT_GT(admission.retry_after.count(), 0);
      }
    }
    EXPECT_LE(entered, 2000 + BurstOf(limits) + 1) << rate;
    EXPECT_GE(entered, 2000 * 0.97) << rate;
  }
}

TEST(AdmissionTest, AnIdleCanvasSavesUpNoMoreThanOneBurst) {
  AdmissionState state;
  Limits limits = WithRate(10);
  EXPECT_TRUE(Enters(Admit(state, limits, kStart, 0, 0)));
  MonoTime later = kStart + std::chrono::hours(24);
  int entered = 0;
  while (Enters(Admit(state, limits, later, 0, 0))) ++entered;
  EXPECT_EQ(entered, 10);
}

TEST(AdmissionTest, TimeThatRunsBackwardsMakesNoTokens) {
  AdmissionState state;
  Limits limits = WithRate(1);
  EXPECT_TRUE(Enters(Admit(state, limits, kStart, 0, 0)));
  for (int i = 0; i < 100; ++i)
    EXPECT_FALSE(Enters(Admit(state, limits, kStart + milliseconds(i % 2 == 0 ? 500 : 0), 0, 0)));
}

TEST(AdmissionTest, ANewRateHoldsAtOnce) {
  AdmissionState state;
  EXPECT_TRUE(Enters(Admit(state, WithRate(1000), kStart, 0, 0)));
  Limits slow = WithRate(2);
  EXPECT_TRUE(Enters(Admit(state, slow, kStart, 0, 0)));
  EXPECT_TRUE(Enters(Admit(state, slow, kStart, 0, 0)));
  EXPECT_FALSE(Enters(Admit(state, slow, kStart, 0, 0)));
}

TEST(AdmissionTest, FullMeansQueueAndThenRefuse) {
  AdmissionState state;
  Limits limits;
  limits.concurrency.value = 2;
  limits.queue.value = 3;
  EXPECT_EQ(Admit(state, limits, kStart, 1, 0).decision, AdmissionDecision::kAdmit);
  EXPECT_EQ(Admit(state, limits, kStart, 2, 2).decision, AdmissionDecision::kQueue);
  Admission refused = Admit(state, limits, kStart, 2, 3);
  EXPECT_EQ(refused.decision, AdmissionDecision::kRefuse);
  EXPECT_EQ(refused.kind, RefusalKind::kConcurrency);
  EXPECT_EQ(refused.limit.name, "concurrency");
}

TEST(AdmissionTest, ARefusalForRoomTakesNoToken) {
  AdmissionState state;
  Limits limits = WithRate(1);
  limits.concurrency.value = 1;
  limits.queue.value = 0;
  EXPECT_EQ(Admit(state, limits, kStart, 1, 0).decision, AdmissionDecision::kRefuse);
  EXPECT_TRUE(Enters(Admit(state, limits, kStart, 0, 0)));
}

TEST(AdmissionTest, ASuspendedCanvasIsRefusedBeforeAnythingElse) {
  AdmissionState state;
  Limits limits = WithRate(1);
  limits.suspended.value = true;
  limits.suspended.origin = {"policy.toml:9", "canvas spammer"};
  Admission refused = Admit(state, limits, kStart, 100, 100);
  EXPECT_EQ(refused.decision, AdmissionDecision::kRefuse);
  EXPECT_EQ(refused.kind, RefusalKind::kSuspended);
  EXPECT_EQ(refused.retry_after.count(), 0);
  EXPECT_EQ(refused.limit.origin.source, "policy.toml:9");
}

}  // namespace
}  // namespace nightjar::policy
