// Each attempt against the system call filter, from inside, is stuck where it is, and told.

#include "tests/kernel/worker/crimes.h"

#include <gtest/gtest.h>

#include "supervisor/watch/denial_watch.h"
#include "tests/kernel/worker/zygote_rig.h"

namespace nightjar::testing {
namespace {

class CrimesTest : public ZygoteTest {
 protected:
  // Until the worker is denied a call; then the sentence about it. Its listener stays open.
  std::string Denied(TestWorker& worker) {
    std::optional<Result<DeniedCall>> denied;
    auto watch = DenialWatch::Create(rig_.loop(), std::move(worker.denials),
                                     [&](Result<DeniedCall> call) { denied = std::move(call); });
    if (!watch) return watch.error().ToString();
    watches_.push_back(std::move(*watch));
    if (!rig_.RunUntil([&] { return denied || worker.process().ended(); })) return "nothing";
    if (!denied) return "it ended by signal " + std::to_string(worker.process().signal());
    return *denied ? CauseOf(**denied, policy::Limits()).sentence : denied->error().ToString();
  }

  std::vector<std::unique_ptr<DenialWatch>> watches_;
};

TEST_F(CrimesTest, EachIsStoppedAndTold) {
  auto bystander = SpawnArmed();
  ASSERT_NE(bystander, nullptr);
  for (const Crime& crime : DeniedCrimes()) {
    SCOPED_TRACE(crime.name);
    auto worker = SpawnArmed();
    ASSERT_NE(worker, nullptr);
    worker->Ask(crime.name);
    if (!crime.told.empty()) {
      std::string told = Denied(*worker);
      EXPECT_EQ(told.rfind("it called " + crime.told + ", ", 0), 0u) << told;
      EXPECT_NE(told.find("in thread " + std::to_string(worker->process().child().pid()) +
                          " (test_zygote)"),
                std::string::npos)
          << told;
      continue;
    }
    ASSERT_TRUE(worker->process().WaitForEnd());
    // Kernels that do not run the other architecture's programs fault at its entrance already.
    if (crime.name == "other_architecture" && worker->process().signal() == SIGSEGV) continue;
    EXPECT_EQ(worker->process().signal(), SIGSYS) << worker->Receive().finished().body();
  }
  bystander->Ask("facts");
  EXPECT_TRUE(bystander->Receive().has_finished());
  EXPECT_FALSE(zygote_process_->ended());
}

TEST_F(CrimesTest, WithoutAListenerTheCallIsDeniedAllTheSame) {
  auto worker = SpawnArmed();
  ASSERT_NE(worker, nullptr);
  worker->denials.Close();
  worker->Ask("unshare_user");
  EXPECT_EQ(worker->Receive().finished().body(),
            "unshare_user returned -1: " + std::string(strerror(ENOSYS)));
}

TEST_F(CrimesTest, AWorkerThatEndsWhileItIsWatchedIsNoDenial) {
  auto worker = SpawnArmed();
  ASSERT_NE(worker, nullptr);
  worker->Ask("crash");
  EXPECT_EQ(Denied(*worker), "it ended by signal " + std::to_string(SIGSEGV));
}

}  // namespace
}  // namespace nightjar::testing
