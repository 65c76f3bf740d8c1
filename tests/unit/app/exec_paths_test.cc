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

}  // namespace
}  // namespace nightjar
