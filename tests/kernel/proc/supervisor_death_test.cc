// kill -9 of a supervisor without privileges leaves no worker, zygote or launcher.

#include <sys/wait.h>

#include "ipc/proto/worker.pb.h"
#include "ipc/wire/channel.h"
#include "tests/kernel/proc/proc_rig.h"

namespace nightjar::testing {
namespace {

class SupervisorDeathTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root to start a launcher";
    auto ends = SeqpacketPair();
    ASSERT_TRUE(ends);
    timeval patience{kPatienceMs / 1000, 0};
    setsockopt(ends->first.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    supervisor_ = fork();
    if (supervisor_ == 0) {
      int high = fcntl(ends->second.get(), F_DUPFD_CLOEXEC, 64);
      dup2(high, 3);
      std::string uid = std::to_string(kSupervisorUid);
      execl(TEST_SUPERVISOR, TEST_SUPERVISOR, "--supervisor", TEST_SUPERVISOR, TEST_ZYGOTE,
            uid.c_str(), nullptr);
      _exit(127);
    }
    ends->second.Close();
    Channel channel(std::move(ends->first), Channel::Waiting::kYes);
    auto packet = channel.Receive();
    ASSERT_TRUE(packet && *packet) << "the supervisor did not come up";
    auto told = (*packet)->Parse<proto::WorkerSpawned>();
    ASSERT_TRUE(told);
    ASSERT_EQ((*packet)->fds.size(), 1u);
    worker_ = std::move((*packet)->fds[0]);
    zygote_ = PidfdOf(static_cast<int>(told->worker_id()));
    ASSERT_TRUE(zygote_.valid());
    ASSERT_TRUE(Lives(worker_));
    ASSERT_TRUE(Lives(zygote_));
  }
  void TearDown() override {
    if (supervisor_ > 0) {
      kill(supervisor_, SIGKILL);
      waitpid(supervisor_, nullptr, 0);
    }
  }

  pid_t supervisor_ = -1;
  Fd worker_, zygote_;
};

TEST_F(SupervisorDeathTest, TakesASpinningWorkerAndTheZygoteAlong) {
  ASSERT_EQ(kill(supervisor_, SIGKILL), 0);
  EXPECT_TRUE(WaitGone(worker_));
  EXPECT_TRUE(WaitGone(zygote_));
}

TEST_F(SupervisorDeathTest, AKilledZygoteLeavesTheWorkerToItsSupervisor) {
  ASSERT_EQ(syscall(SYS_pidfd_send_signal, zygote_.get(), SIGKILL, nullptr, 0), 0);
  EXPECT_TRUE(WaitGone(zygote_));
  EXPECT_TRUE(Lives(worker_));
}

}  // namespace
}  // namespace nightjar::testing
