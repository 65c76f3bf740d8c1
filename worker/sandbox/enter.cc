#include "worker/sandbox/enter.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "worker/sandbox/landlock.h"
#include "worker/sandbox/profile.h"

namespace nightjar {
namespace {

// 0, or -1 with errno set, like the system calls they wrap.

int EnterCells(const Seal& seal) {
  for (int cell : seal.v1_cells) {
    int procs = openat(cell, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (procs < 0) return -1;
    // While this process still has the uid of the cell's owner: a v1 hierarchy lets only root and its own user move it.
    bool entered = write(procs, "0", 1) == 1;
    int error = errno;
    close(procs);
    errno = error;
    if (!entered) return -1;
  }
  return 0;
}

int PlaceDescriptors(const Seal& seal) {
  // Out of the way of the two fixed numbers first, whatever they are now.
  int control = fcntl(seal.control_fd, F_DUPFD, 16);
  int ring = fcntl(seal.ring_fd, F_DUPFD, 16);
  if (control < 0 || ring < 0) return -1;
  if (dup2(control, kControlFd) < 0 || dup2(ring, kRingFd) < 0) return -1;
  // Standard input, output and error too: a worker has nobody to talk to there.
  if (syscall(SYS_close_range, 0, kControlFd - 1, 0) != 0) return -1;
  return static_cast<int>(syscall(SYS_close_range, kRingFd + 1, ~0u, 0));
}

int ResetSignals() {
  for (int number = 1; number <= SIGRTMAX; ++number) signal(number, SIG_DFL);  // some cannot: fine
  sigset_t none;
  sigemptyset(&none);
  return sigprocmask(SIG_SETMASK, &none, nullptr);
}

int LimitResources(const Seal& seal) {
  struct {
    int resource;
    rlim_t value;
  } const limits[] = {
      {RLIMIT_CPU, seal.cpu_seconds_max},  // backstop for a stuck supervisor
      {RLIMIT_CORE, 0},
      {RLIMIT_NOFILE, 16},  // two, and a few memfds on their way
      {RLIMIT_NPROC, 0},
      {RLIMIT_MEMLOCK, 0},
      {RLIMIT_MSGQUEUE, 0},
      {RLIMIT_SIGPENDING, 64},
  };
  for (const auto& limit : limits) {
    rlimit both{limit.value, limit.value};
    if (setrlimit(static_cast<__rlimit_resource>(limit.resource), &both) != 0) return -1;
  }
  return 0;
}

int BecomeNobodyElse(uint32_t uid) {
  if (setgroups(0, nullptr) != 0) return -1;
  if (setresgid(uid, uid, uid) != 0) return -1;
  return setresuid(uid, uid, uid);
}

int DropCapabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2]{};
  return static_cast<int>(syscall(SYS_capset, &header, none));
}

int DieWithSupervisor() {
  // After the change of uid, which clears it. A parent that died before is seen as 0, since it is outside this pid namespace either way;
  // the control socket's end, which the session reads first, covers that moment.
  return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

int ForgetKeyrings() {
  // A new, empty session keyring. A kernel without keyrings has nothing to forget.
  if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) >= 0) return 0;
  return errno == ENOSYS ? 0 : -1;
}

}  // namespace

SealFailure Enter(const Seal& seal) {
  struct {
    const char* name;
    int outcome;
  } step{};
  auto failed = [&](const char* name, int outcome) {
    step = {name, outcome};
    return outcome < 0;
  };
  // --- limits first: from here on everything it uses is counted
  if (failed("enter_cells", EnterCells(seal))) return {step.name, errno};
  if (failed("place_descriptors", PlaceDescriptors(seal))) return {step.name, errno};
  if (failed("limit_resources", LimitResources(seal))) return {step.name, errno};
  // --- what a process inherits without being asked
  if (failed("new_session", setsid())) return {step.name, errno};
  if (failed("reset_signals", ResetSignals())) return {step.name, errno};
  if (failed("clear_environment", clearenv())) return {step.name, errno};
  umask(077);
  if (failed("forget_keyrings", ForgetKeyrings())) return {step.name, errno};
  // --- who it is
  if (failed("change_user", BecomeNobodyElse(seal.uid))) return {step.name, errno};
  if (failed("drop_capabilities", DropCapabilities())) return {step.name, errno};
  if (failed("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))) return {step.name, errno};
  if (failed("not_dumpable", prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))) return {step.name, errno};
  if (failed("die_with_supervisor", DieWithSupervisor())) return {step.name, errno};
  // --- what it may reach
  if (failed("landlock", DenyEveryFile())) return {step.name, errno};
  if (auto installed = InstallProfile(*seal.profile); !installed)
    return {"seccomp", installed.error().sys};
  return {};
}

}  // namespace nightjar
