#include "supervisor/host/trial_cell.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <vector>

#include "ipc/core/fd.h"

namespace nightjar {
namespace {

constexpr int kPatienceMs = 1000;
constexpr std::string_view kPrefix = "nightjar-probe-";  // then the pid of whoever tries

// A child in the group that only waits. -1 and errno where the kernel cannot.
long CloneInto(int group, int* pidfd) {
  clone_args args{};
  args.flags = CLONE_INTO_CGROUP | CLONE_PIDFD;
  args.pidfd = reinterpret_cast<uint64_t>(pidfd);
  args.exit_signal = SIGCHLD;
  args.cgroup = static_cast<uint64_t>(group);
  long pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) pause();
  }
  return pid;
}

Trial TryKill(int group, const Fd& pidfd) {
  Status killed = WriteFileAt(group, "cgroup.kill", "1");
  Trial trial{killed ? 0 : killed.error().sys};
  pollfd ended{pidfd.get(), POLLIN, 0};
  if (trial.works() && poll(&ended, 1, kPatienceMs) <= 0) trial.error = ETIMEDOUT;
  // However it went, nothing stays.
  (void)syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
  siginfo_t info;
  while (waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info, WEXITED) != 0 && errno == EINTR) {
  }
  return trial;
}

// The group is busy for a moment after its last process was reaped.
Trial RemoveGroup(int parent, const std::string& name) {
  for (int ms = 0; unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0; ++ms) {
    if (errno != EBUSY || ms == kPatienceMs) return {errno};
    poll(nullptr, 0, 1);
  }
  return {0};
}

// Groups of those that were killed while they tried. One that is in use is not removed by rmdir.
void RemoveLeft(const std::string& parent) {
  std::error_code error;
  std::vector<std::string> left;
  for (std::filesystem::directory_iterator at(parent, error), end; !error && at != end;
       at.increment(error)) {
    std::string name = at->path().filename();
    if (!name.starts_with(kPrefix)) continue;
    pid_t pid = atoi(name.c_str() + kPrefix.size());
    if (pid > 0 && kill(pid, 0) != 0 && errno == ESRCH) left.push_back(at->path());
  }
  for (const std::string& group : left) (void)rmdir(group.c_str());
}

bool HasFile(int dir, const char* name) {
  return faccessat(dir, name, F_OK, 0) == 0;
}

// v1 has the file in every group, v2 in all but the root, and only where the controller was handed
// down.
bool SwapAccounted(const HostFacts& facts, int group) {
  const ControllerPlace& memory = facts.hierarchies.memory;
  if (memory.home == ControllerHome::kV1)
    return access((memory.mount + "/memory.memsw.limit_in_bytes").c_str(), F_OK) == 0;
  return HasFile(group, "memory.swap.max") || !HasFile(group, "memory.max");
}

void TryBirthAndKill(int group, HostFacts& facts) {
  int pidfd = -1;
  if (CloneInto(group, &pidfd) < 0) {
    facts.cgroup_clone.error = errno;
    return;
  }
  facts.cgroup_clone.error = 0;
  facts.cgroup_kill = TryKill(group, Fd(pidfd));
}

}  // namespace

void TryCell(HostFacts& facts) {
  if (facts.group_directory.empty()) return;
  RemoveLeft(facts.group_directory);
  Fd parent(open(facts.group_directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::string name = std::string(kPrefix) + std::to_string(getpid());
  if (!parent.valid() || mkdirat(parent.get(), name.c_str(), 0755) != 0) {
    facts.cgroup_make.error = errno;
    return;
  }
  Fd group(openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  facts.swap_accounted = SwapAccounted(facts, group.get());
  if (!facts.hierarchies.v1_alone()) TryBirthAndKill(group.get(), facts);
  facts.cgroup_make = RemoveGroup(parent.get(), name);
}

}  // namespace nightjar
