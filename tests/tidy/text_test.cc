// What no file of the product may hold.

#include <gtest/gtest.h>

#include "tests/tidy/source_tree.h"

namespace nightjar::tidy {
namespace {

constexpr size_t kColumns = 100;

// Written in two halves, so that this file does not hold them itself.
const std::vector<std::string> kUnfinished = {
    "TO"
    "DO",
    "FIX"
    "ME",
    "XX"
    "X:",
    "HA"
    "CK:"};

TEST(TextTest, NothingIsLeftForLater) {
  for (const SourceFile& file :
       ReadTree({".h", ".cc", ".proto", "CMakeLists.txt", ".cmake", "Makefile"}))
    for (size_t at = 0; at < file.lines.size(); ++at)
      for (const std::string& word : kUnfinished)
        EXPECT_EQ(file.lines[at].find(word), std::string::npos)
            << file.path << ":" << at + 1 << ": " << file.lines[at];
}

TEST(TextTest, HeadersAreGuardedAndOpenWithALetterToTheirCaller) {
  for (const SourceFile& file : ReadTree({".h"})) {
    ASSERT_FALSE(file.lines.empty()) << file.path;
    EXPECT_EQ(file.lines[0].rfind("//", 0), 0u) << file.path << " does not say what it is";
    bool guarded = false;
    for (const std::string& line : file.lines) guarded |= line == "#pragma once";
    EXPECT_TRUE(guarded) << file.path;
  }
}

TEST(TextTest, LinesFitTheScreen) {
  for (const SourceFile& file : ReadTree({".h", ".cc"}))
    for (size_t at = 0; at < file.lines.size(); ++at) {
      // A code point is one column; an include or a long literal that cannot be broken may be
      // longer.
      size_t columns = 0;
      for (unsigned char c : file.lines[at]) columns += (c & 0xc0) != 0x80;
      bool unbreakable = file.lines[at].rfind("#include", 0) == 0 ||
                         file.lines[at].find("R\"") != std::string::npos;
      EXPECT_TRUE(columns <= kColumns || unbreakable)
          << file.path << ":" << at + 1 << " has " << columns;
    }
}

TEST(TextTest, NoTestWaitsBySleeping) {
  const std::vector<std::string> sleeps = {
      "sleep_"
      "for(",
      "usl"
      "eep(",
      "nano"
      "sleep("};
  for (const SourceFile& file : ReadTree({"_test.cc"}))
    for (size_t at = 0; at < file.lines.size(); ++at)
      for (const std::string& call : sleeps)
        EXPECT_EQ(file.lines[at].find(call), std::string::npos)
            << file.path << ":" << at + 1 << ": wait for a fact instead";
}

}  // namespace
}  // namespace nightjar::tidy
