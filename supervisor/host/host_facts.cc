#include "supervisor/host/host_facts.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "ipc/core/fd.h"
#include "supervisor/cell/tree_base.h"
#include "supervisor/host/trial_cell.h"

namespace nightjar {
namespace {

// Runs `attempt` (0 or an errno) in a child, so that what it changes ends with it. The caller has
// one thread.
template <typename Attempt>
Trial TryInChild(Attempt attempt) {
  pid_t child = fork();
  if (child < 0) return {errno};
  if (child == 0) _exit(attempt() & 0xff);
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return {errno};
  return {WIFEXITED(status) ? WEXITSTATUS(status) : EINTR};
}

Trial TryUnshare(int flag) {
  return TryInChild([flag] { return unshare(flag) == 0 ? 0 : errno; });
}

// A filter that allows everything, and the action that a real one would need.
Trial TrySeccomp(uint32_t action, unsigned long flags) {
  return TryInChild([action, flags] {
    sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    sock_fprog program{1, &allow};
    if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) != 0) return errno;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) >= 0 ? 0 : errno;
  });
}

Trial TryRealtime() {
  return TryInChild([] {
    sched_param param{};
    param.sched_priority = 1;
    return sched_setscheduler(0, SCHED_FIFO, &param) == 0 ? 0 : errno;
  });
}

// Opening and waiting: the one is of kernel 5.3, the other of 5.4.
Trial TryPidfd() {
  return TryInChild([] {
    pid_t child = fork();
    if (child < 0) return errno;
    if (child == 0) _exit(0);
    int fd = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
    if (fd < 0) return errno;
    siginfo_t info;
    return waitid(P_PIDFD, static_cast<id_t>(fd), &info, WEXITED) == 0 ? 0 : errno;
  });
}

Trial TryMemfdSeals() {
  Fd fd(memfd_create("nightjar-probe", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) return {errno};
  int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  return {fcntl(fd.get(), F_ADD_SEALS, seals) == 0 ? 0 : errno};
}

int LandlockAbi() {
  long abi = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return abi > 0 ? static_cast<int>(abi) : 0;
}

// /proc/swaps has a heading and a line for each area.
bool HasSwap() {
  auto text = ReadFileAt(AT_FDCWD, "/proc/swaps");
  return text && std::count(text->begin(), text->end(), '\n') > 1;
}

std::string KernelRelease() {
  utsname names{};
  return uname(&names) == 0 ? names.release : "unknown";
}

}  // namespace

HostFacts GatherHostFacts(const Privilege& privilege) {
  HostFacts facts;
  facts.privilege = privilege;
  facts.kernel = KernelRelease();
  if (auto base = FindTreeBase()) {
    facts.hierarchies = base->hierarchies;
    facts.group_directory = base->GroupDirectory();
  }
  facts.swap = HasSwap();
  facts.pressure = access("/proc/pressure/cpu", R_OK) == 0;
  facts.user_namespace = TryUnshare(CLONE_NEWUSER);
  facts.time_namespace = access("/proc/self/ns/time", F_OK) == 0;
  facts.seccomp = TrySeccomp(SECCOMP_RET_KILL_PROCESS, 0);
  // The action is of kernel 5.0. The listener may be a container manager's already (EBUSY).
  facts.seccomp_listener = TrySeccomp(SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);
  facts.landlock_abi = LandlockAbi();
  facts.pidfd = TryPidfd();
  facts.memfd_seals = TryMemfdSeals();
  facts.realtime = TryRealtime();
  if (!privilege.enough()) return facts;
  constexpr int kFlags[] = {CLONE_NEWPID, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS};
  for (size_t i = 0; i < facts.namespaces.size(); ++i)
    facts.namespaces[i].trial = TryUnshare(kFlags[i]);
  TryCell(facts);
  return facts;
}

}  // namespace nightjar
