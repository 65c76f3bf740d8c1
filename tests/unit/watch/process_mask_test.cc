// A killed program's processes, without what policy leaves out of its request.

#include "supervisor/watch/process_mask.h"

#include <gtest/gtest.h>

#include "ipc/core/bounds.h"

namespace nightjar {
namespace {

class ProcessMaskTest : public ::testing::Test {
 protected:
  ProcessMaskTest() {
    HiddenTexts hidden;
    hidden.Add("swordfish", "<redacted>");
    mask_.Set(std::move(hidden));
  }

  proto::ProcessSeen Masked(const std::string& command, const std::string& name) {
    ProcessLook look;
    look.processes.emplace_back().set_command(command);
    look.processes[0].set_name(name);
    look.processes[0].add_threads()->set_name(name);
    MaskProcesses(mask_, &look);
    return look.processes[0];
  }

  TextMask mask_;
};

TEST_F(ProcessMaskTest, MasksCommandLinesAndNames) {
  proto::ProcessSeen process = Masked("curl -u swordfish", "a swordfi");
  EXPECT_EQ(process.command(), "curl -u <redacted>");
  EXPECT_FALSE(process.command_cut());
  EXPECT_EQ(process.name(), "a ");
  EXPECT_EQ(process.threads(0).name(), "a ");
}

TEST_F(ProcessMaskTest, WhatTheEndOfALongCommandCutThroughIsLeftOut) {
  std::string command(bounds::kCommandReadBytes - 5, 'x');
  proto::ProcessSeen process = Masked(command + "sword", "sh");
  EXPECT_EQ(process.command(), command);
  EXPECT_TRUE(process.command_cut());
}

TEST_F(ProcessMaskTest, ChangesNothingWhereNothingIsHidden) {
  mask_.Set({});
  std::string command(bounds::kCommandReadBytes, 's');
  proto::ProcessSeen process = Masked(command, "swordfish");
  EXPECT_EQ(process.command(), command);
  EXPECT_FALSE(process.command_cut());
}

}  // namespace
}  // namespace nightjar
