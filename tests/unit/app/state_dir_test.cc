// Whose the state directory is, which version, and that only one supervisor uses it.

#include "supervisor/app/state_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace nightjar::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class StateDirTest : public ::testing::Test {
 protected:
  StateDirTest() {
    char path[] = "/tmp/nightjar-state-XXXXXX";
    if (mkdtemp(path) == nullptr) abort();
    folder_ = path;
  }
  ~StateDirTest() override { fs::remove_all(folder_); }

  std::string Path() const { return folder_ + "/state"; }
  std::string Read(const std::string& name) const {
    std::ifstream file(Path() + "/" + name);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  static struct stat Info(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
    return info;
  }
  void ExpectRefused(ErrorCode code, const std::string& words) {
    auto state = StateDir::Open(Path(), owner_);
    ASSERT_FALSE(state);
    EXPECT_EQ(state.error().code, code) << state.error().ToString();
    EXPECT_THAT(state.error().ToString(), HasSubstr(words));
    EXPECT_THAT(state.error().ToString(), HasSubstr(Path()));
  }

  std::string folder_;
  // Root gives the directory to another; anyone else can only have it himself.
  uint32_t owner_ = geteuid() == 0 ? 4242 : geteuid();
};

TEST_F(StateDirTest, IsMadeWithEverythingAboveItAndGivenToItsOwner) {
  auto state = StateDir::Open(folder_ + "/a/b/state", owner_);
  ASSERT_TRUE(state) << state.error().ToString();
  EXPECT_EQ(state->path(), folder_ + "/a/b/state");
  EXPECT_EQ(state->control_socket(), folder_ + "/a/b/state/control.sock");
  struct stat info = Info(folder_ + "/a/b/state");
  EXPECT_EQ(info.st_uid, owner_);
  EXPECT_EQ(info.st_mode & 07777, 0711u);  // others may pass through, and not list
  EXPECT_EQ(Info(folder_ + "/a/b/state/lock").st_mode & 07777, 0600u);
  EXPECT_EQ(Info(folder_ + "/a/b/state/lock").st_uid, owner_);
  EXPECT_EQ(Info(folder_ + "/a/b/state/version").st_uid, owner_);
}

TEST_F(StateDirTest, IsOpenedAgainOnceItIsFree) {
  {
    auto state = StateDir::Open(Path(), owner_);
    ASSERT_TRUE(state);
    ExpectRefused(ErrorCode::kExists, "in use by a running supervisor");
  }
  auto again = StateDir::Open(Path(), owner_);
  EXPECT_TRUE(again) << again.error().ToString();
  EXPECT_EQ(Read("version"), "nightjar-state 1\n");
}

TEST_F(StateDirTest, AModeThatSomebodyChangedIsSetRight) {
  ASSERT_TRUE(StateDir::Open(Path(), owner_));
  fs::permissions(Path(), fs::perms::all);
  ASSERT_TRUE(StateDir::Open(Path(), owner_));
  EXPECT_EQ(Info(Path()).st_mode & 07777, 0711u);
}

TEST_F(StateDirTest, AnEmptyDirectoryIsTaken) {
  fs::create_directory(Path());
  EXPECT_TRUE(StateDir::Open(Path(), owner_));
}

TEST_F(StateDirTest, ADirectoryWithSomethingElseInItIsNotTouched) {
  fs::create_directory(Path());
  fs::permissions(Path(), fs::perms::owner_all);
  std::ofstream(Path() + "/thesis.txt") << "years of work";
  ExpectRefused(ErrorCode::kExists, "is not empty and not a state directory");
  EXPECT_EQ(Info(Path()).st_uid, geteuid());
  EXPECT_EQ(Info(Path()).st_mode & 07777, 0700u);
  EXPECT_FALSE(fs::exists(Path() + "/version"));
}

TEST_F(StateDirTest, AnotherVersionIsNamedAndNotTouched) {
  ASSERT_TRUE(StateDir::Open(Path(), owner_));
  for (const char* version : {"nightjar-state 2\n", "nightjar-state 1", "", "something else\n"}) {
    std::ofstream(Path() + "/version") << version;
    ExpectRefused(ErrorCode::kUnsupported, "written by another version");
    EXPECT_EQ(Read("version"), version);
  }
  std::ofstream(Path() + "/version") << "nightjar-state 99\nand more";
  ExpectRefused(ErrorCode::kUnsupported, "(\"nightjar-state 99\")");
}

TEST_F(StateDirTest, AnotherOwnersDirectoryIsRefused) {
  ASSERT_TRUE(StateDir::Open(Path(), owner_));
  uint32_t before = owner_;
  owner_ = before + 1;
  ExpectRefused(ErrorCode::kExists, "belongs to uid " + std::to_string(before));
  EXPECT_EQ(Info(Path()).st_uid, before);
}

TEST_F(StateDirTest, WhatIsNoDirectoryIsRefused) {
  std::ofstream(Path()) << "a file";
  EXPECT_FALSE(StateDir::Open(Path(), owner_));
  EXPECT_FALSE(StateDir::Open(Path() + "/below", owner_));
}

// Its own user may not lead root to another file.
TEST_F(StateDirTest, ALockThatIsALinkIsRefused) {
  ASSERT_TRUE(StateDir::Open(Path(), owner_));
  fs::remove(Path() + "/lock");
  std::ofstream(folder_ + "/precious") << "x";
  fs::create_symlink(folder_ + "/precious", Path() + "/lock");
  EXPECT_FALSE(StateDir::Open(Path(), owner_));
  EXPECT_EQ(Info(folder_ + "/precious").st_uid, geteuid());
}

}  // namespace
}  // namespace nightjar::testing
