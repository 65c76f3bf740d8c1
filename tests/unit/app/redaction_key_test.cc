// The key that redacted values are hashed under, in a directory of the test's own.

#include "supervisor/app/redaction_key.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "ipc/core/check.h"

namespace nightjar {
namespace {

namespace fs = std::filesystem;

class RedactionKeyTest : public ::testing::Test {
 protected:
  RedactionKeyTest() {
    char path[] = "/tmp/nightjar-key-XXXXXX";
    CHECK(mkdtemp(path) != nullptr);
    folder_ = path;
  }
  ~RedactionKeyTest() override { fs::remove_all(folder_); }

  std::string folder_;
};

TEST_F(RedactionKeyTest, IsMadeOnceForItsOwnerAlone) {
  std::ofstream(folder_ + "/redaction.key.new") << "of a start that was cut short";
  auto made = OpenRedactionKey(folder_);
  ASSERT_TRUE(made) << made.error().ToString();
  EXPECT_EQ(made->size(), 32u);
  EXPECT_EQ(*OpenRedactionKey(folder_), *made);
  EXPECT_EQ(fs::status(folder_ + "/redaction.key").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_FALSE(fs::exists(folder_ + "/redaction.key.new"));
  fs::remove(folder_ + "/redaction.key");
  EXPECT_NE(*OpenRedactionKey(folder_), *made);
}

TEST_F(RedactionKeyTest, WhatIsNoKeyIsSaidSo) {
  std::ofstream(folder_ + "/redaction.key") << "short";
  auto opened = OpenRedactionKey(folder_);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().ToString().find("redaction.key is no key: remove it"),
            std::string::npos);
  fs::remove(folder_ + "/redaction.key");
  fs::create_symlink("/dev/zero", folder_ + "/redaction.key");
  EXPECT_FALSE(OpenRedactionKey(folder_));
}

}  // namespace
}  // namespace nightjar
