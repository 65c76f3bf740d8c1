#include "policies/tighten.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nightjar::policy {
namespace {

using ::testing::HasSubstr;

std::string Read(const char* limit, const char* text, const Limits& limits = {}) {
  const LimitKey& key = *FindLimitKey(limit);
  auto value = ReadTighter(key, text, limits);
  return value ? FormatLimit(key.kind, *value) : value.error();
}

TEST(TightenTest, ReadsValuesAsAPolicyFileHasThem) {
  EXPECT_EQ(Read("wall", "1s"), "1s");
  EXPECT_EQ(Read("wall", "\"1s\""), "1s");
  EXPECT_EQ(Read("memory", "8MiB"), "8MiB");
  EXPECT_EQ(Read("pids", "2"), "2");
  EXPECT_THAT(Read("wall", "1"), HasSubstr("takes a duration"));
  EXPECT_THAT(Read("wall", ""), HasSubstr("does not start with a number"));
  EXPECT_THAT(Read("pids", "0"), HasSubstr("at least 1"));
}

TEST(TightenTest, NoBoundIsLooserThanAnyAndAnyIsNotTightenedToNone) {
  EXPECT_EQ(Read("rate", "5/s"), "5/s");
  EXPECT_EQ(Read("canvas_cpus", "0.5"), "0.5");
  EXPECT_THAT(Read("rate", "none"), HasSubstr("is not tighter than what is in force: none"));
  Limits limits;
  limits.steps.value = 100;
  EXPECT_THAT(Read("steps", "none", limits), HasSubstr("is not tighter"));
  EXPECT_EQ(Read("steps", "99", limits), "99");
}

TEST(TightenTest, WhatIsAsTightAlreadyIsToldWithItsLine) {
  Limits limits;
  limits.wall = {std::chrono::seconds(1), {"policy.toml:4", "canvas demo"}};
  EXPECT_EQ(Read("wall", "1s", limits),
            "`wall` = 1s is not tighter than what is in force: 1s (policy.toml:4, canvas demo)");
}

TEST(TightenTest, AProgramMayBeForbiddenAndNotAllowed) {
  EXPECT_THAT(Read("exec", "true"), HasSubstr("is not tighter"));
  EXPECT_THAT(Read("exec", "false"), HasSubstr("is not tighter"));
  Limits limits;
  limits.exec.value = true;
  EXPECT_EQ(Read("exec", "false", limits), "false");
}

TEST(TightenTest, WhatBoundsNothingCannotBeTightened) {
  for (const char* limit : {"trace_drop", "suspended", "soft_stop", "idle"})
    EXPECT_THAT(Read(limit, "1"), HasSubstr("not a limit that can be tightened")) << limit;
}

}  // namespace
}  // namespace nightjar::policy
