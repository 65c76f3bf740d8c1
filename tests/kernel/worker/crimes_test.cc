// Each attempt against the system call filter, from inside, ends the worker with SIGSYS.

#include "tests/kernel/worker/crimes.h"

#include <gtest/gtest.h>

#include "tests/kernel/worker/zygote_rig.h"

namespace nightjar::testing {
namespace {

using CrimesTest = ZygoteTest;

TEST_F(CrimesTest, EachEndsWithTheWorkerAndNobodyElse) {
  auto bystander = SpawnArmed();
  ASSERT_NE(bystander, nullptr);
  for (const std::string& crime : DeniedCrimes()) {
    SCOPED_TRACE(crime);
    auto worker = SpawnArmed();
    ASSERT_NE(worker, nullptr);
    worker->Ask(crime);
    ASSERT_TRUE(worker->process().WaitForEnd());
    // Kernels that do not run the other architecture's programs fault at its entrance already.
    if (crime == "other_architecture" && worker->process().signal() == SIGSEGV) continue;
    EXPECT_EQ(worker->process().signal(), SIGSYS) << worker->Receive().finished().body();
  }
  bystander->Ask("facts");
  EXPECT_TRUE(bystander->Receive().has_finished());
  EXPECT_FALSE(zygote_process_->ended());
}

}  // namespace
}  // namespace nightjar::testing
