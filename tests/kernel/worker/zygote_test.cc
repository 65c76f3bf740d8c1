// The zygote itself: what it is, what it answers, and what ends it.

#include <gtest/gtest.h>

#include "tests/kernel/worker/zygote_rig.h"

namespace nightjar::testing {
namespace {

class ZygoteSocketTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root to start a zygote";
    auto ends = SeqpacketPair();
    ASSERT_TRUE(ends);
    pid_ = StartProgram(ZygoteCommand(), ends->second);
    Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
    process_ = std::make_unique<WatchedChild>(rig_, std::move(pidfd), pid_);
    channel_.emplace(PatientChannel(std::move(ends->first)));
  }

  static proto::SpawnWorker GoodRequest() {
    proto::SpawnWorker request;
    request.set_worker_id(1);
    request.set_uid(kZygoteUid + 100);
    request.set_cpu_seconds_max(10);
    return request;
  }
  // Sends it with as many descriptors as it would need, and expects the zygote's end.
  void ExpectRefused(const proto::SpawnWorker& request, int fds) {
    std::vector<int> sent(static_cast<size_t>(fds), channel_->fd());
    ASSERT_TRUE(channel_->Send(request, sent));
    ASSERT_TRUE(process_->WaitForEnd());
    EXPECT_EQ(process_->exit_code(), 1);
  }

  LoopRig rig_;
  pid_t pid_ = 0;
  std::unique_ptr<WatchedChild> process_;
  std::optional<Channel> channel_;
};

TEST_F(ZygoteSocketTest, GarbageEndsItAndItSaysSo) {
  ASSERT_EQ(send(channel_->fd(), "\xff\xff", 2, 0), 2);
  ASSERT_TRUE(process_->WaitForEnd());
  EXPECT_EQ(process_->exit_code(), 1);
}

TEST_F(ZygoteSocketTest, TheEndOfItsSocketIsItsEnd) {
  channel_.reset();
  ASSERT_TRUE(process_->WaitForEnd());
  EXPECT_EQ(process_->exit_code(), 0);
}

TEST_F(ZygoteSocketTest, MissingDescriptorsAreRefused) {
  ExpectRefused(GoodRequest(), 1);
}

TEST_F(ZygoteSocketTest, RootIsNoWorker) {
  auto request = GoodRequest();
  request.set_uid(0);
  ExpectRefused(request, 2);
}

TEST_F(ZygoteSocketTest, TheSupervisorsUserIsNoWorker) {
  auto request = GoodRequest();
  request.set_uid(kZygoteUid);
  ExpectRefused(request, 2);
}

TEST_F(ZygoteSocketTest, AWorkerWithoutACpuLimitIsRefused) {
  auto request = GoodRequest();
  request.set_cpu_seconds_max(0);
  ExpectRefused(request, 2);
}

TEST_F(ZygoteSocketTest, ADoorOfNoKindIsRefused) {
  auto request = GoodRequest();
  request.add_cells(proto::CELL_DIR_UNSPECIFIED);
  ExpectRefused(request, 3);
}

TEST_F(ZygoteSocketTest, KeepsThreeCapabilitiesAndNoMore) {
  // A request that it answers shows that its start is behind it.
  auto request = GoodRequest();
  request.add_cells(proto::CELL_DIR_BORN_INTO);
  std::vector<int> fds(3, channel_->fd());
  ASSERT_TRUE(channel_->Send(request, fds));
  auto packet = channel_->Receive();
  ASSERT_TRUE(packet && *packet);
  auto answer = (*packet)->Parse<proto::WorkerSpawned>();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->failed_step(), "clone3");
  EXPECT_EQ(answer->error(), EBADF);  // a socket is no cgroup

  std::string status =
      ReadFileAt(AT_FDCWD, ("/proc/" + std::to_string(pid_) + "/status").c_str()).value_or("");
  uint64_t three = 1 << 21 | 1 << 7 | 1 << 6;  // SYS_ADMIN, SETUID, SETGID
  char hex[32];
  snprintf(hex, sizeof hex, "%016lx", three);
  EXPECT_NE(status.find("CapEff:\t" + std::string(hex)), std::string::npos) << status;
  EXPECT_NE(status.find("CapPrm:\t" + std::string(hex)), std::string::npos) << status;
  EXPECT_NE(status.find("CapBnd:\t0000000000000000"), std::string::npos) << status;
  EXPECT_NE(status.find("NoNewPrivs:\t1"), std::string::npos) << status;
  EXPECT_NE(status.find("Threads:\t1"), std::string::npos) << status;
}

using RestartTest = ZygoteTest;

TEST_F(RestartTest, WorkersOutliveTheirZygoteAndAnotherTakesOver) {
  auto worker = SpawnArmed();
  ASSERT_TRUE(zygote_process_->child().Signal(SIGKILL));
  ASSERT_TRUE(zygote_process_->WaitForEnd());
  ASSERT_TRUE(rig_.RunUntil([this] { return !zygote_.ready(); }));
  EXPECT_EQ(Spawn(), nullptr);
  EXPECT_EQ(spawn_error_.code, ErrorCode::kUnavailable);
  StopZygote();
  StartZygote();
  EXPECT_NE(SpawnArmed(), nullptr);
  worker->Ask("facts");
  EXPECT_TRUE(worker->Receive().has_finished());
}

TEST_F(RestartTest, ADoorThatCannotBeEnteredIsNamedByTheWorker) {
  Fd nowhere(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  auto worker = Spawn({CellDoor{nowhere.get(), false}});
  ASSERT_NE(worker, nullptr);
  auto first = worker->Receive();
  EXPECT_EQ(first.sealed().failed_step(), "enter_cells");
  EXPECT_NE(first.sealed().error(), 0);
  ASSERT_TRUE(worker->process().WaitForEnd());
  EXPECT_EQ(worker->process().exit_code(), 4);
  EXPECT_NE(SpawnArmed(), nullptr);
}

}  // namespace
}  // namespace nightjar::testing
