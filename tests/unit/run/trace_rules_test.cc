#include "supervisor/run/trace_rules.h"

#include <gtest/gtest.h>

#include "policies/policy.h"

namespace nightjar::testing {
namespace {

policy::Limits LimitsOf(const std::string& text, const std::string& handler = "") {
  std::vector<policy::PolicyError> errors;
  auto policy = policy::Policy::Parse(text, "policy.toml", &errors);
  EXPECT_NE(policy, nullptr);
  return policy->For("demo", handler);
}

TEST(TraceRulesTest, ThereAreNoneWhereEverythingIsKept) {
  EXPECT_FALSE(TraceRulesOf(LimitsOf(""), WantedBy::kClient));
  EXPECT_FALSE(TraceRulesOf(LimitsOf("[default]\ntrace_slow = \"5ms\"\n"), WantedBy::kOperator));
}

TEST(TraceRulesTest, EachSaysWhichLineItIs) {
  const std::string text =
      "[default]\ntrace_sample = \"1/100\"\ntrace_bytes_per_day = \"1GiB\"\n"
      "[canvas.demo]\ntrace_events_per_day = 5000\n"
      "[canvas.demo.handler.\"GET /x\"]\ntrace_sample = \"none\"\ntrace_slow = \"20ms\"\n";
  auto rules = TraceRulesOf(LimitsOf(text), WantedBy::kClient);
  ASSERT_TRUE(rules);
  EXPECT_EQ(rules->one_in(), 100u);
  EXPECT_EQ(rules->one_in_by(), "trace_sample = 1/100 (policy.toml:2, default)");
  EXPECT_EQ(rules->slow_us(), 1'000'000u);
  EXPECT_EQ(rules->events_per_day(), 5000u);
  EXPECT_EQ(rules->events_by(), "trace_events_per_day = 5000 (policy.toml:5, canvas demo)");
  EXPECT_EQ(rules->bytes_per_day(), 1u << 30);
  EXPECT_EQ(rules->bytes_by(), "trace_bytes_per_day = 1GiB (policy.toml:3, default)");
  EXPECT_FALSE(rules->asked_for());
  rules = TraceRulesOf(LimitsOf(text, "GET /x"), WantedBy::kOperator);
  EXPECT_EQ(rules->one_in(), 0u);
  EXPECT_EQ(rules->one_in_by(), "trace_sample = none (policy.toml:7, handler GET /x)");
  EXPECT_EQ(rules->slow_us(), 20'000u);
  EXPECT_TRUE(rules->asked_for());
}

}  // namespace
}  // namespace nightjar::testing
