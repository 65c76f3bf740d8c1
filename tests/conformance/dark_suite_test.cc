// How much of classic Dark's own conformance suite holds here, where the suite is at hand.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <sstream>

#include "conformance/suite.h"

namespace nightjar::conformance {
namespace {

// The suite is not a part of this repository; "" where it is not at hand.
std::string SuiteFolder() {
  if (const char* named = getenv("NIGHTJAR_DARK_SUITE"); named != nullptr && *named != '\0')
    return named;
  std::string beside = NIGHTJAR_SOURCE_DIR "/../shared/dark-suite";
  return std::filesystem::is_directory(beside) ? beside : "";
}

// Of the cases that need nothing outside of a worker.
double PercentPassed(const Counts& counts) {
  size_t run = counts.passed + counts.failed;
  return run == 0 ? 0 : 100.0 * static_cast<double>(counts.passed) / static_cast<double>(run);
}

class DarkSuiteTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (SuiteFolder().empty())
      GTEST_SKIP() << "classic Dark's suite is not here: name its folder in NIGHTJAR_DARK_SUITE";
  }

  // Prints what run-tests shows of it, and what failed.
  Counts Run(const std::string& part) {
    std::ostringstream out;
    auto counts = RunSuite({SuiteFolder(), {SuiteFolder() + "/" + part}, "", false}, out);
    EXPECT_TRUE(counts.has_value()) << counts.error().ToString();
    if (!counts) return {};
    std::istringstream lines(out.str());
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with("FAILED ")) std::cout << "conformance: " << line << "\n";
    std::cout << "conformance: " << part << ": " << counts->passed << " passed, " << counts->failed
              << " failed, " << PercentPassed(*counts) << " % of those that can run\n";
    for (const auto& [needs, cases] : counts->skipped)
      std::cout << "conformance: " << part << ": skipped for want of " << needs << ": " << cases
                << "\n";
    return *counts;
  }
};

TEST_F(DarkSuiteTest, ExpressionsMeanWhatTheyMeantInClassicDark) {
  Counts counts = Run("execution");
  EXPECT_GT(counts.passed, 1000u);
  EXPECT_GE(PercentPassed(counts), 98.0);
}

TEST_F(DarkSuiteTest, RequestsAreAnsweredAsClassicDarkAnsweredThem) {
  Counts counts = Run("httphandler");
  EXPECT_GT(counts.passed, 50u);
  EXPECT_GE(PercentPassed(counts), 95.0);
}

TEST_F(DarkSuiteTest, EveryFileOfTheSuiteCanBeRead) {
  std::ostringstream out;
  auto counts = RunSuite({SuiteFolder(), {}, "", true}, out);
  ASSERT_TRUE(counts.has_value()) << counts.error().ToString();
  EXPECT_NE(out.str().find("language.tests:"), std::string::npos);
}

}  // namespace
}  // namespace nightjar::conformance
