#include "supervisor/app/exec_paths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

namespace nightjar {
namespace {

using ::testing::HasSubstr;

std::string WhyNot(const std::string& path, const std::string& state = "/var/lib/nightjar") {
  Status checked = CheckExecPaths({"/usr", path}, state);
  return checked ? "" : checked.error().ToString();
}

TEST(ExecPathsTest, WhatAnyHostHasIsFine) {
  EXPECT_EQ(WhyNot("/usr/bin"), "");
  EXPECT_EQ(WhyNot("/usr/bin/env"), "");
  EXPECT_EQ(WhyNot("/bin"), "");
}

TEST(ExecPathsTest, WhatIsNotThereOrNoFileIsRefused) {
  EXPECT_THAT(WhyNot("/no/such/path"), HasSubstr("/no/such/path: No such file"));
  EXPECT_THAT(WhyNot("usr"), HasSubstr("below /"));
  EXPECT_THAT(WhyNot("/"), HasSubstr("below /"));
  EXPECT_THAT(WhyNot("/usr/.."), HasSubstr("below /"));
}

TEST(ExecPathsTest, WhatTheirRootHasItselfIsRefused) {
  EXPECT_THAT(WhyNot("/proc"), HasSubstr("its own /proc"));
  EXPECT_THAT(WhyNot("/dev/null"), HasSubstr("its own /dev"));
  EXPECT_THAT(WhyNot("/tmp/"), HasSubstr("its own /tmp"));
  EXPECT_THAT(WhyNot("/usr/../etc/ssl"), HasSubstr("its own /etc"));
}

TEST(ExecPathsTest, WhatAnyoneCanWriteIsRefused) {
  std::string folder = "/var/tmp/exec-paths-test-" + std::to_string(getpid());
  ASSERT_EQ(mkdir(folder.c_str(), 0755), 0);
  EXPECT_EQ(WhyNot(folder), "");
  ASSERT_EQ(chmod(folder.c_str(), 0777), 0);
  EXPECT_THAT(WhyNot(folder), HasSubstr("anyone may write"));
  std::filesystem::remove(folder);
}

TEST(ExecPathsTest, TheStateIsNotShown) {
  EXPECT_THAT(WhyNot("/var/lib"), HasSubstr("the state directory /var/lib/nightjar is in it"));
  EXPECT_THAT(WhyNot("/usr/lib", "/usr/lib/../lib/state/"), HasSubstr("the state directory"));
  EXPECT_EQ(WhyNot("/var/lib", "/var/library"), "");
}

TEST(ExecPathsTest, ARootIsAskedTheSameAndMayHaveItsOwnEtcAndTmp) {
  std::string folder = "/var/tmp/exec-root-test-" + std::to_string(getpid());
  std::filesystem::create_directories(folder + "/etc");
  std::filesystem::create_directories(folder + "/tmp");
  std::filesystem::permissions(folder + "/tmp", std::filesystem::perms(0777));
  std::filesystem::create_symlink("/nowhere", folder + "/link");
  EXPECT_TRUE(CheckExecRoot(folder, "/var/lib/nightjar"));
  EXPECT_THAT(CheckExecRoot(folder, folder + "/etc/state").error().ToString(),
              HasSubstr("the state directory"));
  EXPECT_THAT(CheckExecRoot("/", "/s").error().ToString(), HasSubstr("below /"));
  EXPECT_THAT(CheckExecRoot("/nowhere", "/s").error().ToString(), HasSubstr("No such file"));
  std::filesystem::create_directory(folder + "/open");
  std::filesystem::permissions(folder + "/open", std::filesystem::perms(0777));
  EXPECT_THAT(CheckExecRoot(folder, "/s").error().ToString(),
              HasSubstr(folder + "/open: anyone may write"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace nightjar
