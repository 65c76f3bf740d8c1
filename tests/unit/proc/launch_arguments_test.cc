#include "supervisor/proc/launch_arguments.h"

#include <gtest/gtest.h>

namespace nightjar {
namespace {

Result<LaunchArguments> Parse(std::vector<std::string> words) {
  words.insert(words.begin(), "nightjard");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  return ParseLaunchArguments(static_cast<int>(argv.size()), argv.data());
}

TEST(LaunchArgumentsTest, AreReadAsTheyWereWritten) {
  LaunchArguments written;
  written.plan.zygote = {"/bin/worker", "--uid", "7"};
  written.plan.writer = {"/bin/writer", "--state", "/a b"};
  written.plan.exec_zygote = {"/bin/worker", "--exec"};
  written.doors = {4, 5};
  auto read = Parse(FormatLaunchArguments(written));
  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_EQ(read->plan.zygote, written.plan.zygote);
  EXPECT_EQ(read->plan.writer, written.plan.writer);
  EXPECT_EQ(read->plan.exec_zygote, written.plan.exec_zygote);
  EXPECT_EQ(read->doors, written.doors);
  EXPECT_EQ(read->plan.nest, NestDuty::kWatch);
}

TEST(LaunchArgumentsTest, ALauncherMayHaveNoDoors) {
  LaunchArguments written;
  written.plan.zygote = {"a"};
  written.plan.writer = {"b"};
  written.plan.nest = NestDuty::kWatchAndKill;
  auto read = Parse(FormatLaunchArguments(written));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->doors.empty());
  EXPECT_EQ(read->plan.nest, NestDuty::kWatchAndKill);
}

TEST(LaunchArgumentsTest, WhatIsIncompleteOrNoNumberIsRefused) {
  const std::vector<std::vector<std::string>> bad = {
      {},
      {"--launcher"},
      {"--launcher", "watch"},
      {"--launcher", "rest", "0", "1", "zygote", "1", "writer", "0"},
      {"--launcher", "watch", "1"},
      {"--launcher", "watch", "0"},
      {"--launcher", "watch", "0", "1", "zygote"},
      {"--launcher", "watch", "0", "1", "zygote", "1", "writer"},
      {"--launcher", "watch", "0", "1", "zygote", "2", "writer", "0"},
      {"--launcher", "watch", "0", "1", "zygote", "1", "writer", "0", "more"},
      {"--launcher", "watch", "0", "9", "zygote", "1", "writer", "0"},
      {"--launcher", "watch", "x", "1", "zygote", "1", "writer", "0"},
      {"--launcher", "watch", "-1", "1", "zygote", "1", "writer", "0"},
      {"--launcher", "watch", "99999999999999999999", "1", "zygote", "1", "writer", "0"},
  };
  for (const auto& words : bad) EXPECT_FALSE(Parse(words)) << words.size();
}

}  // namespace
}  // namespace nightjar
