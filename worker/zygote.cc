#include "worker/zygote.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "ipc/core/bounds.h"
#include "ipc/core/clone.h"
#include "ipc/core/log.h"
#include "ipc/core/privileges.h"
#include "ipc/core/worker_exit.h"
#include "worker/sandbox/builtin_profiles.h"
#include "worker/sandbox/empty_world.h"
#include "worker/sandbox/enter.h"
#include "worker/sandbox/landlock.h"
#include "worker/sandbox/own_clocks.h"
#include "worker/sandbox/profile_shelf.h"
#include "worker/sandbox/programs_world.h"
#include "worker/session.h"
#include "worker/trace/trace_clock.h"

namespace nightjar {
namespace {

constexpr uint64_t kWorkerNamespaces = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
constexpr size_t kFirstCellFd = 2;  // after the control socket and the ring

// The child's whole life.
[[noreturn]] void LiveAsWorker(const proto::SpawnWorker& request, const std::vector<Fd>& fds,
                               const Walls& walls, Engine& engine) {
  if (!RenewStackGuard()) _exit(worker_exit::kNotSealed);
  Seal seal;
  seal.uid = request.uid();
  seal.cpu_seconds_max = request.cpu_seconds_max();
  seal.tmp_bytes = request.tmp_bytes();
  seal.data_bytes_max = request.data_bytes_max();
  seal.processes_max = request.processes_max();
  seal.control_fd = fds[0].get();
  seal.ring_fd = fds[1].get();
  seal.walls = walls;
  for (int i = 0; i < request.cells_size(); ++i)
    if (request.cells(i) == proto::CELL_DIR_ENTERED)
      seal.cells.push_back(fds[kFirstCellFd + static_cast<size_t>(i)].get());
  DenialListener listener;
  SealFailure failure = Enter(seal, &listener);
  // Without its place at the control socket it cannot say what went wrong.
  if (failure.step == kFirstStep) _exit(worker_exit::kNotSealed);
  _exit(RunSession(failure, listener, engine));
}

Status CheckRequest(const proto::SpawnWorker& request, const Packet& packet) {
  if (packet.fds.size() != kFirstCellFd + static_cast<size_t>(request.cells_size()))
    return Fail(ErrorCode::kProtocol, "a request without its descriptors");
  if (request.worker_id() == 0) return Fail(ErrorCode::kProtocol, "a worker without an id");
  if (request.uid() == 0 || request.uid() == getuid())
    return Fail(ErrorCode::kProtocol, "a worker must have a user of its own");
  if (request.cpu_seconds_max() == 0)
    return Fail(ErrorCode::kProtocol, "a worker must have a bound on its cpu time");
  int born_into = 0;
  for (int cell : request.cells()) {
    if (cell != proto::CELL_DIR_BORN_INTO && cell != proto::CELL_DIR_ENTERED)
      return Fail(ErrorCode::kProtocol, "a door of an unknown kind");
    born_into += cell == proto::CELL_DIR_BORN_INTO;
  }
  if (static_cast<size_t>(request.denied_calls_size()) > bounds::kDeniedCalls)
    return Fail(ErrorCode::kProtocol, "more denied calls than a policy can name");
  if (born_into > 1) return Fail(ErrorCode::kProtocol, "a process is born into one cell");
  return {};
}

CloneArguments ArgumentsFor(const proto::SpawnWorker& request, const Packet& packet, int* pidfd) {
  CloneArguments clone;
  // CLONE_PARENT: the supervisor reaps it.
  clone.flags = CLONE_PIDFD | CLONE_PARENT | kCloneClearSighand | kWorkerNamespaces;
  clone.pidfd = reinterpret_cast<uint64_t>(pidfd);
  for (int i = 0; i < request.cells_size(); ++i) {
    if (request.cells(i) != proto::CELL_DIR_BORN_INTO) continue;
    clone.flags |= kCloneIntoCgroup;
    clone.cgroup = static_cast<uint64_t>(packet.fds[kFirstCellFd + static_cast<size_t>(i)].get());
  }
  return clone;
}

// An error ends the zygote: its supervisor does not speak the contract, or is gone.
Status Spawn(Channel& channel, const Packet& packet, ProfileShelf& profiles, Walls walls,
             Engine& engine) {
  NJ_ASSIGN(auto request, packet.Parse<proto::SpawnWorker>());
  NJ_TRY(CheckRequest(request, packet));
  NJ_ASSIGN(walls.profile,
            profiles.Without({request.denied_calls().begin(), request.denied_calls().end()}));
  int pidfd = -1;
  CloneArguments clone = ArgumentsFor(request, packet, &pidfd);
  if (walls.mark != nullptr) walls.mark("request");
  long pid = Clone3(clone);
  int error = errno;
  if (pid == 0) LiveAsWorker(request, packet.fds, walls, engine);
  proto::WorkerSpawned answer;
  answer.set_worker_id(request.worker_id());
  if (pid < 0) {
    answer.set_failed_step("clone3");
    answer.set_error(error);
    return channel.Send(answer);
  }
  Fd owned(pidfd);
  return channel.Send(answer, {owned.get()});
}

Result<ProfileShelf> PrepareProfiles(const std::string& name) {
  auto rules = BuiltinProfile(name);
  if (!rules) return Fail(ErrorCode::kInvalid, "no seccomp profile is called " + name);
  OnDenial on_denial = OnDenialHere();
  if (on_denial == OnDenial::kKill) LogWarning("denied_calls_unnamed", {{"profile", name}});
  ProfileShelf profiles(std::move(*rules), on_denial);
  // The one that nearly every worker has; and a zygote whose profile is wrong does not start.
  NJ_TRY(profiles.Without({}));
  return profiles;
}

// Of this process, as RLIMIT_DATA counts: proc(5), "VmData".
Result<uint64_t> PrivateBytes() {
  NJ_ASSIGN(std::string status, ReadFileAt(AT_FDCWD, "/proc/self/status"));
  constexpr std::string_view kKey = "\nVmData:";
  size_t at = status.find(kKey);
  if (at == std::string::npos)
    return Fail(ErrorCode::kUnsupported, "/proc/self/status has no VmData");
  return strtoull(status.c_str() + at + kKey.size(), nullptr, 10) * bounds::kKiB;
}

// Until the supervisor closes the socket.
Status Serve(const ZygoteOptions& options, Engine& engine) {
  Channel channel(Fd(options.control_fd), Channel::Waiting::kYes);
  NJ_ASSIGN(ProfileShelf profiles, PrepareProfiles(options.profile));
  NJ_ASSIGN(Fd landlock, CreateDenyAllRuleset());
  // What the warm-up freed goes back now; every page kept is copied in every worker that writes it.
  malloc_trim(0);
  NJ_ASSIGN(uint64_t data_bytes, PrivateBytes());
  NJ_TRY(ForgetSurroundings());
  if (Status started = StartClocksAnew(); !started)
    LogWarning("clocks_of_the_host", {{"error", started.error().ToString()}});
  NJ_TRY(options.exec ? EnterProgramsWorld(options.root) : EnterEmptyWorld());
  NJ_TRY(KeepThreeCapabilities(options.uid));
  // After the change of uid, which clears it. The socket's end says the same to a zygote that
  // reads.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return FailErrno("PR_SET_PDEATHSIG");
  const Walls walls{options.exec ? World::kPrograms : World::kEmpty, nullptr, landlock.get(),
                    data_bytes, options.mark};
  for (;;) {
    auto packet = channel.Receive();
    if (!packet) {
      if (packet.error().code == ErrorCode::kUnavailable) return {};
      return tl::unexpected<Error>(packet.error());
    }
    NJ_TRY(Spawn(channel, **packet, profiles, walls, engine));
  }
}

}  // namespace

int LiveAsZygote(std::string_view name, const ZygoteOptions& options,
                 std::unique_ptr<Engine> (*create_engine)()) {
  StartLog(name, LogMode::kSync);
  // Every canvas's next worker waits for it, behind whatever the machine is busy with.
  if (Status raised = RaiseItselfToRealTime(); !raised)
    LogWarning("real_time_refused", {{"error", raised.error().ToString()}});
  fcntl(options.control_fd, F_SETFD, FD_CLOEXEC);
  TraceClock::Calibrate();  // here, where /sys is still to be seen
  std::unique_ptr<Engine> engine = create_engine();
  Status served = Serve(options, *engine);
  if (served) return 0;
  LogError("zygote_failed", {{"error", served.error().ToString()}});
  return 1;
}

}  // namespace nightjar
