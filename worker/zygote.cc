#include "worker/zygote.h"

#include <linux/filter.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ipc/core/bounds.h"
#include "worker/sandbox/empty_world.h"
#include "worker/sandbox/enter.h"
#include "worker/sandbox/profile.h"
#include "worker/session.h"

// linux/sched.h and sched.h cannot both be included.
struct CloneArguments {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
      set_tid_size, cgroup;
};

namespace nightjar {
namespace {

constexpr uint64_t kIntoCgroup = 0x200000000ull;  // CLONE_INTO_CGROUP
constexpr uint64_t kWorkerNamespaces = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
constexpr size_t kFirstCellFd = 2;  // after the control socket and the ring

// The child's whole life.
[[noreturn]] void LiveAsWorker(const proto::SpawnWorker& request, const std::vector<Fd>& fds,
                               const std::vector<sock_filter>& profile, Engine& engine) {
  Seal seal;
  seal.uid = request.uid();
  seal.cpu_seconds_max = request.cpu_seconds_max();
  seal.control_fd = fds[0].get();
  seal.ring_fd = fds[1].get();
  seal.profile = &profile;
  for (int i = 0; i < request.cells_size(); ++i)
    if (request.cells(i) == proto::CELL_DIR_V1)
      seal.v1_cells.push_back(fds[kFirstCellFd + static_cast<size_t>(i)].get());
  SealFailure failure = Enter(seal);
  _exit(RunSession(failure, engine));
}

Status CheckRequest(const proto::SpawnWorker& request, const Packet& packet) {
  if (packet.fds.size() != kFirstCellFd + static_cast<size_t>(request.cells_size()))
    return Fail(ErrorCode::kProtocol, "a request without its descriptors");
  if (request.uid() == 0) return Fail(ErrorCode::kProtocol, "a worker must not be root");
  return {};
}

Status Spawn(Channel& channel, const Packet& packet, const std::vector<sock_filter>& profile,
             Engine& engine) {
  NJ_ASSIGN(auto request, packet.Parse<proto::SpawnWorker>());
  NJ_TRY(CheckRequest(request, packet));
  int pidfd = -1;
  CloneArguments clone{};
  clone.flags = CLONE_PIDFD | CLONE_PARENT | kWorkerNamespaces;
  clone.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  for (int i = 0; i < request.cells_size(); ++i) {
    if (request.cells(i) != proto::CELL_DIR_UNIFIED) continue;
    clone.flags |= kIntoCgroup;
    clone.cgroup = static_cast<uint64_t>(packet.fds[kFirstCellFd + static_cast<size_t>(i)].get());
  }
  long pid = syscall(SYS_clone3, &clone, sizeof clone);
  int error = errno;
  if (pid == 0) LiveAsWorker(request, packet.fds, profile, engine);
  proto::WorkerSpawned answer;
  answer.set_worker_id(request.worker_id());
  if (pid < 0) {
    answer.set_failed_step("clone3");
    answer.set_error(error);
    return channel.Send(answer);
  }
  answer.set_pid(static_cast<int32_t>(pid));
  Fd owned(pidfd);
  return channel.Send(answer, {owned.get()});
}

}  // namespace

Status ServeZygote(const ZygoteOptions& options, Engine& engine) {
  Channel channel(Fd(options.control_fd), Channel::Waiting::kYes);
  NJ_ASSIGN(auto profile, CompileInterpreterProfile());
  NJ_TRY(EnterEmptyWorld());
  NJ_TRY(KeepThreeCapabilities(options.uid));
  // After the change of uid, which clears it. With the supervisor gone its socket is closed too; this covers a zygote that is busy.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return FailErrno("PR_SET_PDEATHSIG");
  for (;;) {
    auto packet = channel.Receive();
    if (!packet) {
      if (packet.error().code == ErrorCode::kUnavailable) return {};
      return tl::unexpected<Error>(packet.error());
    }
    NJ_TRY(Spawn(channel, **packet, profile, engine));
  }
}

}  // namespace nightjar
