// The supervisor's side of the zygote's socket, with a test at the other end.

#include "supervisor/proc/zygote_connection.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ipc/core/bounds.h"
#include "ipc/proto/worker.pb.h"
#include "tests/support/loop_rig.h"
#include "tests/support/stand_in.h"

namespace nightjar::testing {
namespace {

class ZygoteConnectionTest : public ::testing::Test {
 protected:
  void SetUp() override { Connect(); }

  void Connect() {
    auto ends = SeqpacketPair();
    ASSERT_TRUE(ends);
    connection_.Connect(Channel(std::move(ends->first), Channel::Waiting::kNo));
    zygote_.emplace(std::move(ends->second), Channel::Waiting::kNo);
  }
  // Outcomes are kept in the order of their arrival.
  void Ask(WorkerId worker) {
    SpawnRequest request;
    request.worker = worker;
    request.uid = 70'000;
    request.cpu_seconds_max = 3;
    request.control_fd = request.ring_fd = some_fd_.get();
    request.doors = {{some_fd_.get(), true}, {some_fd_.get(), false}};
    connection_.Spawn(request, [this, worker](Result<SpawnedProcess> process) {
      outcomes_.emplace_back(worker, std::move(process));
    });
  }
  void Answer(WorkerId worker, const std::string& failed_step, bool with_pidfd) {
    proto::WorkerSpawned answer;
    answer.set_worker_id(worker);
    answer.set_failed_step(failed_step);
    answer.set_error(failed_step.empty() ? 0 : EAGAIN);
    std::vector<int> fds;
    if (with_pidfd) fds.push_back(process_.pidfd().get());
    ASSERT_TRUE(zygote_->Send(answer, fds));
  }
  bool WaitForOutcomes(size_t count) {
    return rig_.RunUntil([&] { return outcomes_.size() >= count; });
  }

  LoopRig rig_;
  Fd some_fd_{open("/dev/null", O_RDONLY | O_CLOEXEC)};
  StandIn process_;
  ZygoteConnection connection_{rig_.loop()};
  std::optional<Channel> zygote_;
  std::vector<std::pair<WorkerId, Result<SpawnedProcess>>> outcomes_;
};

TEST_F(ZygoteConnectionTest, AsksWithEverythingThatAWorkerNeeds) {
  Ask(5);
  auto packet = zygote_->Receive();
  ASSERT_TRUE(packet && *packet);
  EXPECT_EQ((*packet)->fds.size(), 4u);
  auto request = (*packet)->Parse<proto::SpawnWorker>();
  ASSERT_TRUE(request);
  EXPECT_EQ(request->worker_id(), 5u);
  EXPECT_EQ(request->uid(), 70'000u);
  EXPECT_EQ(request->cpu_seconds_max(), 3u);
  ASSERT_EQ(request->cells_size(), 2);
  EXPECT_EQ(request->cells(0), proto::CELL_DIR_BORN_INTO);
  EXPECT_EQ(request->cells(1), proto::CELL_DIR_ENTERED);
}

TEST_F(ZygoteConnectionTest, AnswersFindTheirRequestsInAnyOrder) {
  Ask(1);
  Ask(2);
  Answer(2, "", true);
  Answer(1, "clone3", false);
  ASSERT_TRUE(WaitForOutcomes(2));
  EXPECT_EQ(outcomes_[0].first, 2u);
  ASSERT_TRUE(outcomes_[0].second);
  EXPECT_TRUE(outcomes_[0].second->pidfd.valid());
  ASSERT_FALSE(outcomes_[1].second);
  EXPECT_EQ(outcomes_[1].second.error().sys, EAGAIN);
  EXPECT_NE(outcomes_[1].second.error().context.find("clone3"), std::string::npos);
}

TEST_F(ZygoteConnectionTest, AnAnswerToNothingIsIgnored) {
  Answer(77, "", true);
  Ask(1);
  Answer(1, "", true);
  ASSERT_TRUE(WaitForOutcomes(1));
  EXPECT_TRUE(outcomes_[0].second);
}

TEST_F(ZygoteConnectionTest, SuccessWithoutAPidfdIsAFailure) {
  Ask(1);
  Answer(1, "", false);
  ASSERT_TRUE(WaitForOutcomes(1));
  EXPECT_FALSE(outcomes_[0].second);
}

// Whoever watches a process relies on being able to wait for it.
TEST_F(ZygoteConnectionTest, SuccessWithWhatIsNoChildIsAFailure) {
  Fd self(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
  ASSERT_TRUE(self.valid());
  for (int fd : {some_fd_.get(), self.get()}) {
    Ask(1);
    proto::WorkerSpawned answer;
    answer.set_worker_id(1);
    ASSERT_TRUE(zygote_->Send(answer, {fd}));
    ASSERT_TRUE(WaitForOutcomes(1));
    EXPECT_FALSE(outcomes_[0].second);
    outcomes_.clear();
  }
}

TEST_F(ZygoteConnectionTest, ALostZygoteAnswersEveryoneAndWhatItStillSaidCounts) {
  Ask(1);
  Ask(2);
  Answer(1, "", true);
  zygote_.reset();
  ASSERT_TRUE(WaitForOutcomes(2));
  EXPECT_TRUE(outcomes_[0].second);
  ASSERT_FALSE(outcomes_[1].second);
  EXPECT_EQ(outcomes_[1].second.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(connection_.ready());
  Ask(3);
  ASSERT_TRUE(WaitForOutcomes(3));
  EXPECT_EQ(outcomes_[2].second.error().code, ErrorCode::kUnavailable);
  Connect();
  EXPECT_TRUE(connection_.ready());
}

TEST_F(ZygoteConnectionTest, GarbageIsAsGoodAsItsLoss) {
  Ask(1);
  ASSERT_EQ(send(zygote_->fd(), "\xff\xff", 2, 0), 2);
  ASSERT_TRUE(WaitForOutcomes(1));
  EXPECT_EQ(outcomes_[0].second.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(connection_.ready());
}

TEST_F(ZygoteConnectionTest, AsksForABoundedNumberAtOnce) {
  // The other end reads each, so that the socket is never what is full.
  for (WorkerId worker = 1; worker <= bounds::kSpawnsAsked; ++worker) {
    Ask(worker);
    auto packet = zygote_->Receive();
    ASSERT_TRUE(packet && *packet);
  }
  EXPECT_TRUE(outcomes_.empty());
  Ask(9999);
  ASSERT_TRUE(WaitForOutcomes(1));
  EXPECT_EQ(outcomes_[0].first, 9999u);
  EXPECT_EQ(outcomes_[0].second.error().code, ErrorCode::kExhausted);
}

}  // namespace
}  // namespace nightjar::testing
