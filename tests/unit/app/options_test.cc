// nightjard's command line.

#include "supervisor/app/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "supervisor/app/identity.h"

namespace nightjar {
namespace {

using ::testing::ElementsAre;
using ::testing::ExitedWithCode;

Options Parse(std::vector<std::string> words) {
  words.insert(words.begin(), "nightjard");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  return ParseOptions(static_cast<int>(arguments.size()), arguments.data());
}

TEST(OptionsTest, HaveTheDefaultsThatTheManualPromises) {
  unsetenv("NIGHTJAR_STATE");
  Options options = Parse({});
  EXPECT_EQ(options.state, "/var/lib/nightjar");
  EXPECT_EQ(options.listen, "");
  EXPECT_EQ(std::string(kDefaultListen), "127.0.0.1:8080");
  EXPECT_EQ(options.policy, "");
  EXPECT_EQ(options.cgroup, "nightjar");
  EXPECT_EQ(options.uid_base, std::nullopt);
  EXPECT_EQ(options.drain_s, 10u);
  EXPECT_TRUE(options.without.empty());
  EXPECT_FALSE(options.doctor);
}

TEST(OptionsTest, TakeWhatTheyAreGiven) {
  Options options = Parse({"--state", "/s", "--listen=[::1]:0", "--without", "io", "--without",
                           "pids", "--cgroup", "nj", "--uid-base", "200000", "--drain", "0",
                           "--policy", "/dev/null", "--store", "/dev/zero", "--doctor"});
  EXPECT_EQ(options.state, "/s");
  EXPECT_EQ(options.listen, "[::1]:0");
  EXPECT_THAT(options.without, ElementsAre("io", "pids"));
  EXPECT_EQ(options.cgroup, "nj");
  EXPECT_EQ(options.uid_base, 200'000u);
  EXPECT_EQ(options.drain_s, 0u);
  EXPECT_EQ(options.policy, "/dev/null");
  EXPECT_EQ(options.store, "/dev/zero");
  EXPECT_TRUE(options.doctor);
}

TEST(OptionsTest, TheEnvironmentNamesTheStateUnlessTheCommandLineDoes) {
  setenv("NIGHTJAR_STATE", "/from/environment", 1);
  EXPECT_EQ(Parse({}).state, "/from/environment");
  EXPECT_EQ(Parse({"--state", "/s"}).state, "/s");
  unsetenv("NIGHTJAR_STATE");
}

// Nothing is started with half of what was meant.
TEST(OptionsDeathTest, WrongUsageExitsWithTwo) {
  const std::vector<std::string> kWrong[] = {
      {"--polcy", "x"},
      {"--policy", "/no/such/file"},
      {"--store", "/no/such/file"},
      {"--drain", "-1"},
      {"--drain", "soon"},
      {"--drain", "3601"},
      {"--uid-base", "0"},
      {"--uid-base", "99999"},
      {"--uid-base", "4294967295"},
      {"--state"},
      {"word"},
  };
  for (const auto& words : kWrong) EXPECT_EXIT(Parse(words), ExitedWithCode(2), "") << words[0];
}

TEST(OptionsDeathTest, HelpIsNoMistake) {
  EXPECT_EXIT(Parse({"--help"}), ExitedWithCode(0), "");
}

}  // namespace
}  // namespace nightjar
