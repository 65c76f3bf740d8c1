// scripts/install: where everything goes, and what it leaves alone.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/support/server_rig.h"

namespace nightjar::e2e {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

class InstallTest : public ::testing::Test {
 protected:
  InstallTest() : root_(fs::temp_directory_path() / ("nightjar-root-" + std::to_string(getpid()))) {
    setenv("DESTDIR", root_.c_str(), 1);
    setenv("PREFIX", "/opt/nightjar", 1);
  }
  ~InstallTest() override {
    fs::remove_all(root_);
    unsetenv("DESTDIR");
    unsetenv("PREFIX");
  }

  static Output Install(std::vector<std::string> words = {}) {
    words.insert(words.begin(), {"/bin/bash", NIGHTJAR_SOURCE_DIR "/scripts/install"});
    return RunProgram(words);
  }
  std::set<std::string> Files() const {
    std::set<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(root_))
      if (!entry.is_directory())
        files.insert("/" + entry.path().lexically_relative(root_).string());
    return files;
  }
  std::string Read(const std::string& path) const {
    std::ifstream in(root_.string() + path);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }

  fs::path root_;
};

TEST_F(InstallTest, PutsEverythingWhereAHostHasIt) {
  Output output = Install();
  ASSERT_EQ(output.exit_code, 0) << output.err;
  EXPECT_THAT(
      Files(),
      IsSupersetOf({"/opt/nightjar/bin/nightjar", "/opt/nightjar/libexec/nightjar/nightjard",
                    "/opt/nightjar/libexec/nightjar/nightjar-worker",
                    "/opt/nightjar/libexec/nightjar/nightjar-writer",
                    "/opt/nightjar/lib/systemd/system/nightjard.service",
                    "/opt/nightjar/lib/systemd/system/nightjar.socket",
                    "/opt/nightjar/lib/systemd/system/nightjar.slice",
                    "/opt/nightjar/share/man/man1/nightjar.1",
                    "/opt/nightjar/share/doc/nightjar/operating.md", "/etc/nightjar/policy.toml"}));
  EXPECT_TRUE(fs::is_directory(root_ / "var/lib/nightjar"));
  // The unit starts what was installed, and documents of the same place.
  std::string unit = Read("/opt/nightjar/lib/systemd/system/nightjard.service");
  EXPECT_THAT(unit, HasSubstr("\nExecStart=/opt/nightjar/libexec/nightjar/nightjard "));
  EXPECT_THAT(unit, HasSubstr("=file:///opt/nightjar/share/doc/nightjar/operating.md\n"));
  // Through the link it still finds the programs beside itself.
  Output functions = RunProgram({root_.string() + "/opt/nightjar/bin/nightjar", "functions"});
  EXPECT_EQ(functions.exit_code, 0) << functions.err;
}

TEST_F(InstallTest, APolicyThatIsThereIsTheOperators) {
  fs::create_directories(root_ / "etc/nightjar");
  std::ofstream(root_ / "etc/nightjar/policy.toml") << "# mine\n";
  ASSERT_EQ(Install().exit_code, 0);
  EXPECT_EQ(Read("/etc/nightjar/policy.toml"), "# mine\n");
  Output output = Install({"--uninstall"});
  EXPECT_EQ(output.exit_code, 0) << output.err;
  EXPECT_THAT(Files(), ElementsAre("/etc/nightjar/policy.toml"));
  EXPECT_THAT(output.out, HasSubstr("left: "));
}

}  // namespace
}  // namespace nightjar::e2e
