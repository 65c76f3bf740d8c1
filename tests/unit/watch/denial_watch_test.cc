// The listener of a process's denied calls, a real one of the kernel's.

#include "supervisor/watch/denial_watch.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <optional>

#include "tests/support/denied_process.h"
#include "tests/support/loop_rig.h"

namespace nightjar::testing {
namespace {

class DenialWatchTest : public ::testing::Test {
 protected:
  void Watch(Fd listener) {
    auto watch =
        DenialWatch::Create(rig_.loop(), std::move(listener), [this](Result<DeniedCall> call) {
          ++told_;
          call_ = std::move(call);
        });
    ASSERT_TRUE(watch) << watch.error().ToString();
    watch_ = std::move(*watch);
  }
  void Settle() {
    int turns = 0;
    ASSERT_TRUE(rig_.RunUntil([&] { return ++turns > 20; }));
  }

  LoopRig rig_;
  DeniedProcess process_;
  std::unique_ptr<DenialWatch> watch_;
  int told_ = 0;
  std::optional<Result<DeniedCall>> call_;
};

TEST_F(DenialWatchTest, TellsTheCallAndItsThreadOnce) {
  Watch(std::move(process_.listener));
  Settle();
  EXPECT_EQ(told_, 0);
  process_.MakeCall();
  ASSERT_TRUE(rig_.RunUntil([this] { return told_ > 0; }));
  Settle();
  EXPECT_EQ(told_, 1);
  ASSERT_TRUE(*call_) << call_->error().ToString();
  EXPECT_EQ((*call_)->number, SYS_unshare);
  EXPECT_EQ((*call_)->arguments[0], 0x10000000u);
  EXPECT_EQ((*call_)->tid, process_.pid());
  EXPECT_EQ((*call_)->thread, "culprit?");
  EXPECT_EQ(CauseOf(**call_, policy::Limits()).sentence,
            DeniedProcess::kTold + ", in thread " + std::to_string(process_.pid()) + " (culprit?)");
}

TEST_F(DenialWatchTest, ACallMadeBeforeAnybodyWatchedIsToldToo) {
  process_.MakeCall();
  pollfd made{process_.listener.get(), POLLIN, 0};
  ASSERT_EQ(poll(&made, 1, 20'000), 1);
  Watch(std::move(process_.listener));
  EXPECT_TRUE(rig_.RunUntil([this] { return told_ > 0; }));
}

TEST_F(DenialWatchTest, AProcessThatIsKilledInItsCallIsNoDenialAndNothingWaits) {
  process_.MakeCall();
  pollfd made{process_.listener.get(), POLLIN, 0};
  ASSERT_EQ(poll(&made, 1, 20'000), 1);
  process_.Kill();
  Watch(std::move(process_.listener));
  Settle();
  EXPECT_EQ(told_, 0);
}

TEST_F(DenialWatchTest, AProcessThatEndsIsNoDenial) {
  Watch(std::move(process_.listener));
  process_.Kill();
  Settle();
  EXPECT_EQ(told_, 0);
}

TEST_F(DenialWatchTest, OtherDescriptorsAreRefused) {
  auto ends = SeqpacketPair();
  ASSERT_TRUE(ends);
  for (Fd* other : {&ends->first, &ends->second}) {
    auto watch = DenialWatch::Create(rig_.loop(), std::move(*other), [](Result<DeniedCall>) {});
    ASSERT_FALSE(watch);
    EXPECT_EQ(watch.error().code, ErrorCode::kProtocol);
  }
}

}  // namespace
}  // namespace nightjar::testing
