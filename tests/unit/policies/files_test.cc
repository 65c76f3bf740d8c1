// The policy file that operators copy, and the table that they read, say what the code does.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "policies/limit_table.h"
#include "policies/policy.h"

namespace nightjar::policy {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(std::string(NIGHTJAR_SOURCE_DIR) + "/" + path);
  EXPECT_TRUE(file.good()) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(PolicyFilesTest, TheExampleSetsEveryLimitToItsBuiltInValue) {
  std::vector<PolicyError> errors;
  auto policy = Policy::Parse(ReadFile("policies/default.toml"), "default.toml", &errors);
  for (const PolicyError& error : errors) ADD_FAILURE() << error.line << ": " << error.message;
  ASSERT_NE(policy, nullptr);
  Limits limits = policy->For("demo", "");
  for (const LimitKey& key : LimitKeys()) {
    EXPECT_EQ(key.ValueIn(limits), key.ValueIn(Limits())) << key.name;
    EXPECT_NE(key.TextIn(limits).origin.source, "built in") << key.name << " is not in the file";
  }
}

TEST(PolicyFilesTest, TheExamplesInItsCommentsAreRightToo) {
  std::istringstream lines(ReadFile("policies/default.toml"));
  std::string text;
  std::string line;
  bool examples = false;
  while (std::getline(lines, line)) {
    if (line.rfind("# [plan.free]", 0) == 0) examples = true;
    bool setting = line.rfind("# [", 0) == 0 || line.find(" = ") != std::string::npos;
    if (examples && setting) text += line.substr(2);
    text += "\n";
  }
  std::vector<PolicyError> errors;
  auto policy = Policy::Parse(text, "default.toml", &errors);
  for (const PolicyError& error : errors) ADD_FAILURE() << error.line << ": " << error.message;
  ASSERT_NE(policy, nullptr);
  EXPECT_TRUE(policy->For("spammer", "").suspended.value);
  EXPECT_EQ(policy->For("shop", "GET /reports/:year").wall.value, std::chrono::seconds(30));
  EXPECT_EQ(policy->For("shop", "").concurrency.value, 64u);
}

TEST(PolicyFilesTest, TheManualHoldsEveryLimit) {
  std::string manual = ReadFile("docs/operating.md");
  for (const LimitKey& key : LimitKeys()) {
    std::string row = "| `" + std::string(key.name) + "` | " + key.TextIn(Limits()).value + " | " +
                      (key.scope == LimitScope::kRun ? "run" : "canvas") + " | " +
                      std::string(key.doc) + " |";
    EXPECT_NE(manual.find(row), std::string::npos) << row;
  }
}

}  // namespace
}  // namespace nightjar::policy
