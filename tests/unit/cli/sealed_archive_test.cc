// Archives as tar and sha256sum read them.
#include "supervisor/cli/sealed_archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/unit/cli/fake_supervisor.h"

namespace nightjar::cli {
namespace {

using testing::HasSubstr;

class SealedArchiveTest : public ::testing::Test {
 protected:
  std::unique_ptr<SealedArchive> Create() {
    auto archive = SealedArchive::Create(file_, "folder", 1'732'448'403);
    EXPECT_TRUE(archive) << archive.error().ToString();
    return std::move(*archive);
  }
  // What a shell prints, both ways, in the directory.
  std::string Shell(const std::string& command) {
    std::string whole = "cd " + dir_.path() + " && { " + command + "; } 2>&1; echo \"= $?\"";
    FILE* pipe = popen(whole.c_str(), "r");
    CHECK(pipe != nullptr);
    std::string text;
    char block[4096];
    while (size_t got = fread(block, 1, sizeof block, pipe)) text.append(block, got);
    pclose(pipe);
    return text;
  }
  size_t Entries() const {
    auto begin = std::filesystem::directory_iterator(dir_.path());
    return static_cast<size_t>(std::distance(begin, std::filesystem::directory_iterator()));
  }

  TempDir dir_;
  std::string file_ = dir_.path() + "/a.tar";
};

TEST_F(SealedArchiveTest, IsWhatTarAndSha256sumVerify) {
  auto archive = Create();
  // Around the size of a block, and empty.
  for (size_t size : {0, 1, 511, 512, 513, 70'000})
    ASSERT_TRUE(archive->Add("f" + std::to_string(size), std::string(size, 'x')));
  ASSERT_TRUE(archive->Begin("parts", 6));
  ASSERT_TRUE(archive->Append("one"));
  ASSERT_TRUE(archive->Append(""));
  ASSERT_TRUE(archive->Append("two"));
  ASSERT_TRUE(archive->End());
  EXPECT_EQ(Entries(), 1u);
  EXPECT_FALSE(std::filesystem::exists(file_)) << "it is not whole yet";
  auto sealed = archive->Seal();
  ASSERT_TRUE(sealed) << sealed.error().ToString();
  EXPECT_EQ(sealed->bytes, std::filesystem::file_size(file_));
  EXPECT_EQ(Shell("sha256sum a.tar"), sealed->sha256 + "  a.tar\n= 0\n");
  EXPECT_EQ(Shell("tar -tf a.tar"),
            "folder/f0\nfolder/f1\nfolder/f511\nfolder/f512\nfolder/f513\nfolder/f70000\n"
            "folder/parts\nfolder/MANIFEST\n= 0\n");
  EXPECT_THAT(Shell("tar -xf a.tar && cd folder && sha256sum --strict -c MANIFEST"),
              HasSubstr("f70000: OK\nparts: OK\n= 0\n"));
  EXPECT_EQ(Shell("cat folder/parts"), "onetwo= 0\n");
  EXPECT_EQ(Shell("TZ=UTC stat -c '%a %Y' folder/parts"), "600 1732448403\n= 0\n");
  EXPECT_EQ(Shell("stat -c %a a.tar"), "600\n= 0\n");
  // A byte that was changed shows.
  EXPECT_THAT(Shell("printf y >> folder/f1; cd folder && sha256sum -c MANIFEST"),
              HasSubstr("f1: FAILED"));
}

TEST_F(SealedArchiveTest, LeavesNothingWhereItIsNotSealed) {
  {
    auto archive = Create();
    ASSERT_TRUE(archive->Add("a", "text"));
    ASSERT_TRUE(archive->Begin("b", 10));
    ASSERT_TRUE(archive->Append("short"));
    EXPECT_FALSE(archive->End());
  }
  EXPECT_EQ(Entries(), 0u);
}

TEST_F(SealedArchiveTest, AFileIsAsLongAsItWasSaidToBe) {
  auto archive = Create();
  ASSERT_TRUE(archive->Begin("b", 2));
  EXPECT_FALSE(archive->Append("long"));
  archive = nullptr;
  EXPECT_EQ(Entries(), 0u);
}

TEST_F(SealedArchiveTest, NeverTakesAnothersPlace) {
  auto archive = Create();
  ASSERT_TRUE(archive->Add("a", "text"));
  std::ofstream(file_) << "mine";  // meanwhile
  auto sealed = archive->Seal();
  ASSERT_FALSE(sealed);
  EXPECT_EQ(sealed.error().code, ErrorCode::kExists);
  archive = nullptr;
  EXPECT_EQ(Shell("cat a.tar"), "mine= 0\n");
  EXPECT_EQ(Entries(), 1u);
  auto second = SealedArchive::Create(file_, "folder", 0);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().ToString(), HasSubstr("a.tar is there already, and stays as it is"));
  EXPECT_EQ(Entries(), 1u);
}

TEST_F(SealedArchiveTest, ADiskThatIsFullLeavesNothing) {
  auto archive = SealedArchive::Create("/dev/full/x", "folder", 0);
  EXPECT_FALSE(archive);
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  auto old = signal(SIGXFSZ, SIG_IGN);
  rlimit small{4096, before.rlim_max};
  auto whole = Create();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  Status added = whole->Add("a", std::string(10'000, 'x'));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, old);
  EXPECT_FALSE(added);
  whole = nullptr;
  EXPECT_EQ(Entries(), 0u);
}

TEST_F(SealedArchiveTest, NamesThatDoNotFitAreRefused) {
  EXPECT_FALSE(Create()->Add(std::string(100, 'n'), ""));
}

}  // namespace
}  // namespace nightjar::cli
