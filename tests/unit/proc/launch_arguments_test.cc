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
}

TEST(LaunchArgumentsTest, ALauncherMayHaveNoDoors) {
  LaunchArguments written;
  written.plan.zygote = {"a"};
  written.plan.writer = {"b"};
  auto read = Parse(FormatLaunchArguments(written));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->doors.empty());
}

TEST(LaunchArgumentsTest, WhatIsIncompleteOrNoNumberIsRefused) {
  const std::vector<std::vector<std::string>> bad = {
      {},
      {"--launcher"},
      {"--launcher", "1"},
      {"--launcher", "0"},
      {"--launcher", "0", "1", "zygote"},
      {"--launcher", "0", "1", "zygote", "1", "writer"},
      {"--launcher", "0", "1", "zygote", "2", "writer", "0"},
      {"--launcher", "0", "1", "zygote", "1", "writer", "0", "more"},
      {"--launcher", "0", "9", "zygote", "1", "writer", "0"},
      {"--launcher", "x", "1", "zygote", "1", "writer", "0"},
      {"--launcher", "-1", "1", "zygote", "1", "writer", "0"},
      {"--launcher", "99999999999999999999", "1", "zygote", "1", "writer", "0"},
  };
  for (const auto& words : bad) EXPECT_FALSE(Parse(words)) << words.size();
}

}  // namespace
}  // namespace nightjar
