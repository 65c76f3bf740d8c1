// A worker that the pool holds makes a system call that its profile denies.

#include <gtest/gtest.h>

#include "tests/support/denied_process.h"
#include "tests/unit/pool/pool_rig.h"

namespace nightjar::testing {
namespace {

class DenialTest : public PoolRig {
 protected:
  DenialTest() { zygote_.manner = FakeZygote::Manner::kBears; }

  // A worker on its way to whoever waits.
  FakeWorker& Spawned() {
    EXPECT_TRUE(Until([&] { return !zygote_.workers.empty() && zygote_.last().born; }));
    return zygote_.last();
  }

  DeniedProcess denied_;
};

TEST_F(DenialTest, BeforeItIsArmedItFailsWhoWaitsAndSaysWhy) {
  Borrower& borrower = Ask(first_);
  Spawned().SaySealedWith(denied_.listener.get());
  denied_.MakeCall();
  ASSERT_TRUE(UntilFailed(borrower));
  EXPECT_NE(borrower.error->context.find(DeniedProcess::kTold), std::string::npos)
      << borrower.error->context;
  EXPECT_TRUE(UntilLive(0));
}

TEST_F(DenialTest, WhileItWaitsForARunItIsEnded) {
  limits_.armed.value = 1;
  pool_.Refresh(first_);
  FakeWorker& worker = Spawned();
  zygote_.manner = FakeZygote::Manner::kHolds;  // its successor
  worker.SaySealedWith(denied_.listener.get());
  worker.SayArmed();
  ASSERT_TRUE(UntilArmed(1));
  denied_.MakeCall();
  EXPECT_TRUE(Until([&] { return worker.released; }));
}

TEST_F(DenialTest, ADescriptorThatIsNoListenerBreaksTheContract) {
  Borrower& borrower = Ask(first_);
  FakeWorker& worker = Spawned();
  worker.SaySealedWith(worker.ring.get());
  ASSERT_TRUE(UntilFailed(borrower));
  EXPECT_NE(borrower.error->context.find("no listener"), std::string::npos)
      << borrower.error->context;
}

TEST_F(DenialTest, NoneComesLater) {
  Borrower& borrower = Ask(first_);
  FakeWorker& worker = Spawned();
  worker.SaySealed();
  worker.SaySealedWith(denied_.listener.get());
  ASSERT_TRUE(UntilFailed(borrower));
  EXPECT_NE(borrower.error->context.find("sealed twice"), std::string::npos)
      << borrower.error->context;
  EXPECT_TRUE(UntilLive(0));
}

TEST_F(DenialTest, WithoutAListenerAWorkerServes) {
  Borrower& borrower = Ask(first_);
  Spawned().SaySealed();
  zygote_.last().SayArmed();
  EXPECT_TRUE(UntilLent(borrower));
}

}  // namespace
}  // namespace nightjar::testing
