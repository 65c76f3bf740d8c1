#include "worker/sandbox/enter.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "ipc/core/bounds.h"
#include "worker/sandbox/landlock.h"
#include "worker/sandbox/programs_world.h"

namespace nightjar {
namespace {

constexpr int kAbovePlaces = 16;  // descriptors from here on are in nobody's way

// Each step: 0 or more, or -1 with errno set, like the system calls they wrap.

// Moves everything above the two fixed numbers, then the two into their places. What is moved stays
// open until the step that closes all but those two. `seal` has the new numbers afterwards.
int PlaceDescriptors(Seal& seal) {
  auto lift = [](int& fd) {
    if (fd >= 0) fd = fcntl(fd, F_DUPFD_CLOEXEC, kAbovePlaces);
    return fd;
  };
  for (int& cell : seal.cells)
    if (lift(cell) < 0) return -1;
  if (seal.walls.landlock_fd >= 0 && lift(seal.walls.landlock_fd) < 0) return -1;
  if (lift(seal.control_fd) < 0 || lift(seal.ring_fd) < 0) return -1;
  if (dup2(seal.control_fd, kControlFd) < 0) return -1;
  return dup2(seal.ring_fd, kRingFd);
}

int EnterCells(const Seal& seal) {
  for (int cell : seal.cells) {
    int procs = openat(cell, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (procs < 0) return -1;
    // While this process still has the uid of the cell's owner: a v1 hierarchy lets only root and
    // its own user move it.
    bool entered = write(procs, "0", 1) == 1;
    int error = errno;
    close(procs);
    errno = error;
    if (!entered) return -1;
  }
  return 0;
}

int LimitResources(const Seal& seal) {
  bool programs = seal.walls.world == World::kPrograms;
  struct {
    int resource;
    rlim_t value;
  } const limits[] = {
      {RLIMIT_CPU, seal.cpu_seconds_max},  // backstop for a stuck supervisor
      {RLIMIT_CORE, 0},
      // A program's /tmp is full before: that is an error it knows, and this a signal that ends it.
      {RLIMIT_FSIZE, programs ? 2 * seal.tmp_bytes : bounds::kWorkerFileBytes},
      {RLIMIT_MEMLOCK, 0},
      {RLIMIT_MSGQUEUE, 0},
      {RLIMIT_SIGPENDING, bounds::kWorkerSignals},
  };
  auto set = [](int resource, rlim_t value) {
    rlimit both{value, value};
    return setrlimit(static_cast<__rlimit_resource>(resource), &both);
  };
  for (const auto& limit : limits)
    if (set(limit.resource, limit.value) != 0) return -1;
  if (seal.data_bytes_max != 0 &&
      set(RLIMIT_DATA, seal.walls.data_bytes + seal.data_bytes_max) != 0)
    return -1;
  if (!programs) return set(RLIMIT_NPROC, 0);
  return seal.processes_max == 0 ? 0 : set(RLIMIT_NPROC, seal.processes_max);
}

// Dispositions are the default ones: the zygote has no others to pass on (empty_world.h).
int UnblockSignals() {
  sigset_t none;
  sigemptyset(&none);
  return sigprocmask(SIG_SETMASK, &none, nullptr);
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

int MountOwn(const Seal& seal) {
  if (seal.walls.world == World::kEmpty) return 0;
  int files = MountOwnFiles(seal.uid, seal.tmp_bytes);
  return files < 0 || files == kFilesFd ? files : dup3(files, kFilesFd, O_CLOEXEC);
}

int RestrictFiles(const Seal& seal) {
  return seal.walls.world == World::kEmpty ? DenyEverything(seal.walls.landlock_fd)
                                           : DenyAllButPrograms(kFilesFd);
}

int CloseOthers(const Seal& seal) {
  // Standard input, output and error too: a worker has nobody to talk to there.
  if (syscall(SYS_close_range, 0, kControlFd - 1, 0) != 0) return -1;
  int last = seal.walls.world == World::kEmpty ? kRingFd : kFilesFd;
  if (syscall(SYS_close_range, last + 1, ~0u, 0) != 0) return -1;
  rlim_t most = seal.walls.world == World::kPrograms ? bounds::kProgramFds : bounds::kWorkerFds;
  rlimit few{most, most};
  return setrlimit(RLIMIT_NOFILE, &few);
}

}  // namespace

__attribute__((no_stack_protector)) bool RenewStackGuard() {
  uint64_t guard;
  if (syscall(SYS_getrandom, &guard, sizeof guard, 0) != sizeof guard) return false;
  guard &= ~uint64_t{0xff};  // like glibc's: a string that runs over ends before it
#if defined(__x86_64__)
  asm volatile("movq %0, %%fs:0x28" : : "r"(guard) : "memory");
#endif
  return true;
}

SealFailure Enter(const Seal& asked, DenialListener* listener) {
  Seal seal = asked;
  auto mark = [&seal](const char* step) {
    if (seal.walls.mark != nullptr) seal.walls.mark(step);
  };
  mark("clone3");
#define NJ_STEP(name, expression)                        \
  if ((expression) < 0) return SealFailure{name, errno}; \
  mark(name)
  NJ_STEP(kFirstStep, PlaceDescriptors(seal));
  // --- limits: from here on everything that it uses is counted
  NJ_STEP("enter_cells", EnterCells(seal));
  NJ_STEP("limit_resources", LimitResources(seal));
  NJ_STEP("own_cgroup_namespace", unshare(CLONE_NEWCGROUP));  // its root is these cells
  // --- what a process inherits without being asked
  NJ_STEP("new_session", setsid());
  NJ_STEP("unblock_signals", UnblockSignals());
  NJ_STEP("reset_umask", static_cast<int>(umask(077)));
  NJ_STEP("mount_own", MountOwn(seal));
  // --- who it is
  NJ_STEP("change_user", BecomeNobodyElse(seal.uid));
  NJ_STEP("drop_capabilities", DropCapabilities());
  NJ_STEP("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  NJ_STEP("not_dumpable", prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
  // --- what it may reach
  NJ_STEP("landlock", RestrictFiles(seal));
  NJ_STEP("close_descriptors", CloseOthers(seal));
  int installed = InstallProfile(*seal.walls.profile);
  NJ_STEP("seccomp", installed);
#undef NJ_STEP
  if (seal.walls.profile->on_denial == OnDenial::kNotify) listener->fd = installed;
  return {};
}

}  // namespace nightjar
