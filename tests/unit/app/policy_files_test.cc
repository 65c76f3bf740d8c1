// Policies as they lie on a disk: files, directories, and those that somebody is writing.
#include "supervisor/policy/policy_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace nightjar {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PolicyFilesTest : public ::testing::Test {
 protected:
  PolicyFilesTest() {
    char name[] = "/tmp/nightjar-policy-XXXXXX";
    dir_ = mkdtemp(name);
  }
  ~PolicyFilesTest() override { std::filesystem::remove_all(dir_); }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(dir_ + "/" + name) << text;
    return dir_ + "/" + name;
  }

  std::string dir_;
};

TEST_F(PolicyFilesTest, ADirectoryIsItsTomlFilesInTheOrderOfTheirNames) {
  Write("b.toml", "# b\n");
  Write("a.toml", "# a\n");
  Write(".hidden.toml", "not read");
  Write("a.toml~", "not read");
  Write("a.txt", "not read");
  auto text = ReadPolicyText(dir_ + "/");
  ASSERT_TRUE(text) << text.error().ToString();
  std::vector<std::string> seen;
  for (const policy::PolicyFile& file : text->files)
    seen.push_back(file.name + " " + file.path + " " + file.text);
  EXPECT_THAT(seen,
              ElementsAre("a.toml " + dir_ + "/a.toml # a\n", "b.toml " + dir_ + "/b.toml # b\n"));
}

TEST_F(PolicyFilesTest, AFileIsNamedAsItWasGiven) {
  std::string path = Write("p.toml", "[default]\nwal = 1\n");
  auto policy = LoadPolicy(path, PolicyState::kAtOnce);
  ASSERT_FALSE(policy);
  EXPECT_THAT(policy.error().ToString(), HasSubstr(path + ":2:1: unknown key `wal`"));
}

TEST_F(PolicyFilesTest, ADirectoryWithoutAPolicyIsAMistake) {
  Write("p.tom", "");
  auto text = ReadPolicyText(dir_);
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().ToString(), HasSubstr("without a file *.toml"));
  EXPECT_FALSE(ReadPolicyText(dir_ + "/none"));
}

TEST_F(PolicyFilesTest, WhatIsBeingWrittenIsAskedForAgain) {
  std::string path = dir_ + "/p.toml";
  bool was_unsettled = false;
  // This process may be held up for longer than it takes a file to settle.
  for (int i = 0; i < 1000 && !was_unsettled; ++i) {
    Write("p.toml", "[default]\nwall = \"1s\"\n");
    auto policy = LoadPolicy(path, PolicyState::kSettled);
    was_unsettled = !policy && policy.error().code == ErrorCode::kUnavailable;
  }
  EXPECT_TRUE(was_unsettled);
  EXPECT_TRUE(LoadPolicy(path, PolicyState::kAtOnce));
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  bool settled = false;
  while (!settled && std::chrono::steady_clock::now() < until)
    settled = LoadPolicy(path, PolicyState::kSettled).has_value();
  EXPECT_TRUE(settled);
}

TEST_F(PolicyFilesTest, ATimeThatLiesAheadIsNoReasonToWait) {
  PolicyText text;
  EXPECT_TRUE(CheckSettled(text));
  text.age = std::chrono::milliseconds(99);
  EXPECT_FALSE(CheckSettled(text));
  text.age = std::chrono::milliseconds(100);
  EXPECT_TRUE(CheckSettled(text));
}

TEST_F(PolicyFilesTest, WithoutAFileTheBuiltInPolicyStands) {
  auto policy = LoadPolicy("", PolicyState::kSettled);
  ASSERT_TRUE(policy);
  EXPECT_EQ((*policy)->For("a", "").policy, "built-in");
}

}  // namespace
}  // namespace nightjar
