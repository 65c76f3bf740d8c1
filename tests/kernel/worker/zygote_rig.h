// A real zygote, started as root the way the launcher does it, and workers of it that a test talks
// to. Kills and reaps all that it started.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/core/bounds.h"
#include "ipc/proto/worker.pb.h"
#include "ipc/ring/layout.h"
#include "ipc/wire/channel.h"
#include "supervisor/cell/cell.h"
#include "supervisor/proc/zygote_connection.h"
#include "tests/support/loop_rig.h"

namespace nightjar::testing {

inline constexpr uint32_t kZygoteUid = 2'120'900'000;  // of a range that no account uses
inline constexpr timeval kPatience{20, 0};

inline std::vector<std::string> ZygoteCommand() {
  return {TEST_ZYGOTE, "--zygote", "--control-fd", "3", "--uid", std::to_string(kZygoteUid)};
}

// A socket's end that gives up waiting instead of hanging the test.
inline Channel PatientChannel(Fd fd) {
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  return Channel(std::move(fd), Channel::Waiting::kYes);
}

// A process of another program: `descriptor` becomes 3 in it, and `doors` are entered first.
inline pid_t StartProgram(const std::vector<std::string>& words, const Fd& descriptor,
                          const std::vector<CellDoor>& doors = {}) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = fork();
  if (pid != 0) return pid;
  for (const CellDoor& door : doors) {
    int procs = openat(door.dir_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (procs < 0 || write(procs, "0", 1) != 1) _exit(111);
  }
  int high = fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 64);
  if (dup2(high, 3) < 0) _exit(112);
  execv(arguments[0], arguments.data());
  _exit(113);
}

// A child whose end a test waits for.
class WatchedChild {
 public:
  WatchedChild(LoopRig& rig, Fd pidfd, int pid)
      : rig_(rig),
        child_(rig.loop(), std::move(pidfd), pid, [this](WaitStatus end) { end_ = end; }) {}
  ~WatchedChild() {
    // Root may signal it, unlike a supervisor.
    if (!end_) (void)child_.Signal(SIGKILL);
    EXPECT_TRUE(WaitForEnd());
  }

  bool WaitForEnd() {
    return rig_.RunUntil([this] { return end_.has_value(); });
  }
  // Call after WaitForEnd().
  int signal() const { return end_->signal; }
  int exit_code() const { return end_->signal != 0 ? -1 : end_->exit_code; }
  bool ended() const { return end_.has_value(); }
  Child& child() { return child_; }

 private:
  LoopRig& rig_;
  std::optional<WaitStatus> end_;
  Child child_;
};

class TestWorker {
 public:
  TestWorker(Fd control, Fd ring, uint32_t uid)
      : control_(PatientChannel(std::move(control))), ring_(std::move(ring)), uid_(uid) {}

  void Born(LoopRig& rig, SpawnedProcess process) {
    process_.emplace(rig, std::move(process.pidfd), process.pid);
  }
  bool born() const { return process_.has_value(); }
  WatchedChild& process() { return *process_; }
  uint32_t uid() const { return uid_; }
  Channel& control() { return control_; }

  // An empty message when the worker said nothing, or nothing that parses; `fds` are those of the
  // last message.
  proto::FromWorker Receive() {
    auto packet = control_.Receive();
    if (!packet || !*packet) return {};
    fds = std::move((*packet)->fds);
    return (*packet)->Parse<proto::FromWorker>().value_or(proto::FromWorker());
  }

  std::string Arm(std::string_view program = "program") {
    auto file = CreateImmutableMemfd("program", program);
    proto::ToWorker message;
    message.mutable_arm()->set_program_bytes(program.size());
    EXPECT_TRUE(control_.Send(message, {file->get()}));
    auto answer = Receive();
    return answer.has_armed() ? answer.armed().error() : "no answer";
  }
  void Ask(const std::string& wish, uint64_t wall_ns_max = 0) {
    proto::RunLimits limits;
    limits.set_wall_ns_max(wall_ns_max);
    Ask(wish, limits);
  }
  void Ask(const std::string& wish, const proto::RunLimits& limits) {
    proto::ToWorker message;
    message.mutable_run()->set_run_id("0123456789abcdef");
    message.mutable_run()->set_json(wish);
    *message.mutable_run()->mutable_limits() = limits;
    EXPECT_TRUE(control_.Send(message));
  }

  std::vector<Fd> fds;
  Fd denials;  // the listener of its denied calls, once it is armed

 private:
  Channel control_;
  Fd ring_;
  uint32_t uid_;
  std::optional<WatchedChild> process_;
};

class ZygoteTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root to start a zygote";
    StartZygote();
  }
  void TearDown() override { StopZygote(); }

  void StartZygote(const std::vector<CellDoor>& doors = {}) {
    auto ends = SeqpacketPair();
    ASSERT_TRUE(ends);
    pid_t pid = StartProgram(ZygoteCommand(), ends->second, doors);
    Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    ASSERT_TRUE(pidfd.valid());
    zygote_process_ = std::make_unique<WatchedChild>(rig_, std::move(pidfd), pid);
    zygote_.Connect(Channel(std::move(ends->first), Channel::Waiting::kNo));
  }
  void StopZygote() {
    zygote_.Disconnect();
    zygote_process_.reset();
  }

  // `cpu_seconds_max` and the doors as in SpawnRequest. Null when no process was made.
  std::unique_ptr<TestWorker> Spawn(const std::vector<CellDoor>& doors = {},
                                    uint64_t cpu_seconds_max = 100) {
    auto ends = SeqpacketPair();
    auto ring = CreateSizedMemfd("ring", RingBytes());
    SpawnRequest request;
    request.worker = ++last_worker_;
    request.uid = kZygoteUid + 16 + static_cast<uint32_t>(last_worker_);
    request.cpu_seconds_max = cpu_seconds_max;
    request.control_fd = ends->second.get();
    request.ring_fd = ring->get();
    for (const CellDoor& door : doors) request.doors.push_back({door.dir_fd, door.born_into});
    auto worker =
        std::make_unique<TestWorker>(std::move(ends->first), std::move(*ring), request.uid);
    bool answered = false;
    zygote_.Spawn(request, [&](Result<SpawnedProcess> process) {
      answered = true;
      if (process)
        worker->Born(rig_, std::move(*process));
      else
        spawn_error_ = process.error();
    });
    EXPECT_TRUE(rig_.RunUntil([&] { return answered; }));
    return worker->born() ? std::move(worker) : nullptr;
  }
  // Sealed and armed.
  std::unique_ptr<TestWorker> SpawnArmed(const std::vector<CellDoor>& doors = {},
                                         uint64_t cpu_seconds_max = 100) {
    auto worker = Spawn(doors, cpu_seconds_max);
    if (!worker) {
      ADD_FAILURE() << spawn_error_.ToString();
      return worker;
    }
    auto first = worker->Receive();
    EXPECT_TRUE(first.has_sealed());
    EXPECT_EQ(first.sealed().failed_step(), "") << strerror(first.sealed().error());
    EXPECT_EQ(worker->fds.size(), 1u) << "no listener of its denied calls";
    if (!worker->fds.empty()) worker->denials = std::move(worker->fds[0]);
    EXPECT_EQ(worker->Arm(), "");
    return worker;
  }

  LoopRig rig_;
  ZygoteConnection zygote_{rig_.loop()};
  std::unique_ptr<WatchedChild> zygote_process_;
  WorkerId last_worker_ = 0;
  Error spawn_error_;
};

}  // namespace nightjar::testing
