// What may be used in a day, and when the next one begins.

#include "policies/quota.h"

#include <gtest/gtest.h>

namespace nightjar::policy {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::sys_days kDay{std::chrono::year{2026} / 11 / 24};

TEST(QuotaTest, WithoutOneNothingIsTooMuch) {
  EXPECT_FALSE(OverQuota(Limits(), {kDay, 1'000'000'000, 1'000'000'000'000}, kDay + 1h));
}

TEST(QuotaTest, TheLastRunIsLetInAndTheNextIsNot) {
  Limits limits;
  limits.quota_runs = {100, {"policy.toml:7", "plan free"}};
  EXPECT_FALSE(OverQuota(limits, {kDay, 99, 0}, kDay + 1h));
  auto refused = OverQuota(limits, {kDay, 100, 0}, kDay + 23h + 59min + 58s + 500ms);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->decision, AdmissionDecision::kRefuse);
  EXPECT_EQ(refused->kind, RefusalKind::kQuotaRuns);
  EXPECT_EQ(refused->retry_after, 1500ms);
  EXPECT_EQ(refused->limit.name, "quota_runs");
  EXPECT_EQ(refused->limit.value, "100");
  EXPECT_EQ(refused->limit.origin.source, "policy.toml:7");
}

TEST(QuotaTest, ProcessorTimeIsOfAllRunsTogether) {
  Limits limits;
  limits.quota_cpu.value = 2s;
  EXPECT_FALSE(OverQuota(limits, {kDay, 5, 1'999'999}, kDay));
  auto refused = OverQuota(limits, {kDay, 5, 2'000'000}, kDay);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->kind, RefusalKind::kQuotaCpu);
  EXPECT_EQ(refused->retry_after, 24h);
  EXPECT_EQ(refused->limit.value, "2s");
}

TEST(QuotaTest, WhatIsSentOutIsOfAllAnswersTogether) {
  Limits limits;
  limits.quota_egress_bytes.value = 10 << 20;
  EXPECT_FALSE(OverQuota(limits, {kDay, 5, 7, (10 << 20) - 1}, kDay));
  auto refused = OverQuota(limits, {kDay, 5, 7, 10 << 20}, kDay);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->kind, RefusalKind::kQuotaEgress);
  EXPECT_EQ(refused->limit.name, "quota_egress");
  EXPECT_EQ(refused->limit.value, "10MiB");
}

TEST(QuotaTest, ANewDayBeginsAtMidnightAndNotBefore) {
  Limits limits;
  limits.quota_runs.value = 1;
  EXPECT_TRUE(OverQuota(limits, {kDay, 1, 0}, kDay + 24h - 1ns));
  EXPECT_FALSE(OverQuota(limits, {kDay, 1, 0}, kDay + 24h));
}

TEST(QuotaTest, AClockThatIsSetBackGivesNothingBack) {
  Limits limits;
  limits.quota_runs.value = 1;
  EXPECT_TRUE(OverQuota(limits, {kDay, 1, 0}, kDay - 1h));
}

}  // namespace
}  // namespace nightjar::policy
