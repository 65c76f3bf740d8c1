#include "worker/lang/canvas_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/lang/parser.h"

namespace nightjar::lang {
namespace {

using ::testing::HasSubstr;

CanvasFiles Files(const std::vector<std::string>& paths) {
  CanvasFiles files;
  for (const std::string& path : paths) files.Add()->set_path(path);
  return files;
}

TEST(CanvasFilesTest, PathsLeadDownwards) {
  EXPECT_EQ(WrongFile(Files({"app.py", "lib/a/b.txt", "lib/a/c", ".hidden", "a b"})), "");
  for (const std::string& path :
       {std::string(""), std::string("/etc/passwd"), std::string("../x"), std::string("a/../../x"),
        std::string("a//b"), std::string("a/"), std::string("./a"), std::string("a/."),
        std::string("a\0b", 3), std::string(201, 'x')})
    EXPECT_THAT(WrongFile(Files({"fine", path})), HasSubstr("is no path")) << path;
}

TEST(CanvasFilesTest, EachIsThereOnceAndNoFolderOfAnother) {
  EXPECT_THAT(WrongFile(Files({"a", "b", "a"})), HasSubstr("`a` is there twice"));
  EXPECT_THAT(WrongFile(Files({"a/b", "a"})), HasSubstr("`a` is a file and a folder"));
  EXPECT_THAT(WrongFile(Files({"a/b/c", "a/b"})), HasSubstr("`a/b` is a file and a folder"));
}

TEST(CanvasFilesTest, ThereAreAtMostSoMany) {
  std::vector<std::string> many;
  for (int i = 0; i <= 500; ++i) many.push_back("f" + std::to_string(i));
  EXPECT_THAT(WrongFile(Files(many)), HasSubstr("at most 500"));
}

TEST(CanvasFilesTest, AProgramIsOneOfThemOrHasAWholePath) {
  const std::string canvas = "[exec-handler GET /]\nbin/app --now\n";
  EXPECT_TRUE(ParseCanvas(canvas).errors.empty());  // nobody knows the files
  EXPECT_TRUE(ParseCanvas(canvas, Files({"bin/app"})).errors.empty());
  ParseResult missing = ParseCanvas(canvas, Files({"app"}));
  ASSERT_EQ(missing.errors.size(), 1u);
  EXPECT_THAT(missing.errors[0].message(), HasSubstr("`bin/app` is neither a whole path nor"));
  EXPECT_EQ(missing.errors[0].line(), 2u);
}

}  // namespace
}  // namespace nightjar::lang
