// A file's text is replaced as a whole, and nothing else about it.
#include "supervisor/cli/replace_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/unit/cli/fake_supervisor.h"

namespace nightjar::cli {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(ReplaceFileTest, KeepsModeAndLinkAndLeavesNothingBeside) {
  TempDir dir;
  std::string file = dir.path() + "/a.dark";
  std::ofstream(file) << "old";
  ASSERT_EQ(chmod(file.c_str(), 0640), 0);
  std::string link = dir.path() + "/link.dark";
  ASSERT_EQ(symlink("a.dark", link.c_str()), 0);
  Status replaced = ReplaceFile(link, "new text");
  ASSERT_TRUE(replaced) << replaced.error().ToString();
  EXPECT_EQ(ReadFile(file), "new text");
  struct stat after;
  ASSERT_EQ(stat(file.c_str(), &after), 0);
  EXPECT_EQ(after.st_mode & 07777, 0640u);
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(dir.path()))
    ++entries;
  EXPECT_EQ(entries, 2u);
}

TEST(ReplaceFileTest, SaysWhatIsNotThere) {
  TempDir dir;
  Status replaced = ReplaceFile(dir.path() + "/none.dark", "x");
  ASSERT_FALSE(replaced);
  EXPECT_NE(replaced.error().ToString().find("none.dark"), std::string::npos);
}

}  // namespace
}  // namespace nightjar::cli
