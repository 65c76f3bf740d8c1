#include "ipc/core/syscall_name.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <algorithm>

namespace nightjar {
namespace {

TEST(SyscallNameTest, NamesAndNumbersBelongTogether) {
  EXPECT_EQ(SyscallNumber("openat"), SYS_openat);
  EXPECT_EQ(SyscallName(SYS_openat), "openat");
  for (const std::string& name : SyscallNames()) {
    auto number = SyscallNumber(name);
    ASSERT_TRUE(number) << name;
    EXPECT_EQ(SyscallName(*number), name);
  }
}

TEST(SyscallNameTest, WhatIsNoCallIsSaidSo) {
  EXPECT_EQ(SyscallNumber("no_such_call"), std::nullopt);
  EXPECT_EQ(SyscallNumber(""), std::nullopt);
  EXPECT_EQ(SyscallName(1023), "");
  EXPECT_EQ(SyscallName(-1), "");
}

TEST(SyscallNameTest, KnowsAllThatThereAre) {
  auto names = SyscallNames();
  EXPECT_GT(names.size(), 250u);
  for (const char* name : {"read", "clone3", "io_uring_setup"})
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name;
}

}  // namespace
}  // namespace nightjar
