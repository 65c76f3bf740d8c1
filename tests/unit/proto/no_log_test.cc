#include "ipc/proto/no_log.h"

#include <gtest/gtest.h>

#include "ipc/proto/worker.pb.h"

namespace nightjar {
namespace {

// A text that is none, and a message inside a message without an end: protobuf tells of both.
TEST(ProtobufLogTest, SaysNothingOfWhatOthersSend) {
  EndProtobufLog();
  ::testing::internal::CaptureStderr();
  proto::FromWorker message;
  proto::WorkerSpawned spawned;
  EXPECT_FALSE(message.ParseFromString("\x12\x04\x0a\x02\xff\xff"));
  spawned.set_failed_step("\xff\xff");
  EXPECT_FALSE(spawned.SerializeAsString().empty());
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace nightjar
