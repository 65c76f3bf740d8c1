// The units of systemd/, as systemd itself reads them. tests/vm has them at work.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "ipc/core/bounds.h"
#include "tests/support/server_rig.h"

namespace nightjar::e2e {
namespace {

namespace fs = std::filesystem;

constexpr char kAnalyze[] = "/usr/bin/systemd-analyze";
constexpr double kExposureMax = 4.0;

class UnitsTest : public ::testing::Test {
 protected:
  // The units in a folder of their own, where the program that they start exists on every host.
  void SetUp() override {
    if (!fs::exists(kAnalyze)) GTEST_SKIP() << "this host has no systemd-analyze";
    folder_ = fs::temp_directory_path() / ("nightjar-units-" + std::to_string(getpid()));
    fs::create_directory(folder_);
    static const std::regex kProgram("ExecStart=\\S+");
    for (const char* name : {"nightjard.service", "nightjar.socket", "nightjar.slice"})
      std::ofstream(folder_ / name) << std::regex_replace(
          Unit(name), kProgram, std::string("ExecStart=" NIGHTJAR_BIN "/nightjard"));
  }
  void TearDown() override { fs::remove_all(folder_); }

  static std::string Unit(const std::string& name) {
    std::ifstream in(std::string(NIGHTJAR_SOURCE_DIR "/systemd/") + name);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  Output Analyze(std::vector<std::string> words) const {
    words.insert(words.begin(), kAnalyze);
    for (std::string& word : words)
      if (word.starts_with("nightjar")) word = folder_ / word;
    return RunProgram(words);
  }

  fs::path folder_;
};

TEST_F(UnitsTest, HaveNoMistake) {
  Output output = Analyze({"verify", "--recursive-errors=no", "nightjard.service",
                           "nightjar.socket", "nightjar.slice"});
  EXPECT_EQ(output.exit_code, 0);
  EXPECT_EQ(output.out + output.err, "");
}

// Otherwise the supervisor hands connections to a manager that closes them.
TEST_F(UnitsTest, TheManagerKeepsAsManyConnectionsAsItIsOffered) {
  std::string kept = std::to_string(bounds::kConnectionsKept);
  std::string unit = Unit("nightjard.service");
  EXPECT_THAT(unit, ::testing::HasSubstr("\nFileDescriptorStoreMax=" + kept + "\n"));
  EXPECT_THAT(unit, ::testing::HasSubstr("\nEnvironment=FDSTORE=" + kept + "\n"));
}

TEST_F(UnitsTest, TheServiceIsNotExposed) {
  Output output = Analyze({"security", "--offline=true", "--no-pager", "nightjard.service"});
  std::smatch level;
  ASSERT_TRUE(std::regex_search(output.out, level,
                                std::regex("Overall exposure level for \\S+: ([0-9.]+)")))
      << output.out << output.err;
  EXPECT_LT(std::stod(level[1]), kExposureMax) << output.out;
}

}  // namespace
}  // namespace nightjar::e2e
