#include "worker/sandbox/empty_world.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

#include "worker/sandbox/new_root.h"

namespace nightjar {
namespace {

constexpr size_t kSignalSetBytes = 8;  // of the kernel's sigset_t, not the C library's

constexpr uint64_t Bit(int capability) {
  return uint64_t{1} << capability;
}
constexpr uint64_t kKept = Bit(CAP_SYS_ADMIN) | Bit(CAP_SETUID) | Bit(CAP_SETGID);

Status SetCapabilities(uint64_t kept) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  for (int half = 0; half < 2; ++half)
    data[half].effective = data[half].permitted = static_cast<uint32_t>(kept >> (32 * half));
  if (syscall(SYS_capset, &header, data) != 0) return FailErrno("keeping three capabilities");
  return {};
}

// A new, empty session keyring in place of the one that whoever started the service has. A kernel
// without keyrings has nothing to forget.
Status ForgetKeys() {
  if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) >= 0 || errno == ENOSYS) return {};
  return FailErrno("forgetting the session's keys");
}

}  // namespace

Status ForgetSurroundings() {
  // By the system call, since sigaction(3) refuses the C library's own two, which whoever started
  // the service may have ignored. All zeros are SIG_DFL without flags.
  constexpr std::array<uint64_t, 4> kOrdinary{};
  for (int number = 1; number < NSIG; ++number) {
    if (number == SIGKILL || number == SIGSTOP) continue;
    if (syscall(SYS_rt_sigaction, number, kOrdinary.data(), nullptr, kSignalSetBytes) != 0)
      return FailErrno("resetting signals");
  }
  sigset_t all;
  sigfillset(&all);
  if (sigprocmask(SIG_SETMASK, &all, nullptr) != 0) return FailErrno("blocking signals");
  if (clearenv() != 0) return Fail(ErrorCode::kInternal, "clearing the environment");
  return {};
}

Status EnterEmptyWorld() {
  constexpr unsigned long kFlags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  NJ_TRY(MountNewRoot(kFlags, "size=4k,nr_inodes=2,mode=0555"));
  return BecomeNewRoot(kFlags);
}

Status KeepThreeCapabilities(uint32_t uid) {
  // All of it: the bounding set only matters at an exec, and this process and its forks do none.
  for (int capability = 0; capability <= 63; ++capability) {
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
    if (errno == EINVAL) break;  // past the last one that this kernel knows
    return FailErrno("emptying the capability bounding set");
  }
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return FailErrno("keeping capabilities");
  if (setgroups(0, nullptr) != 0) return FailErrno("dropping supplementary groups");
  if (setresgid(uid, uid, uid) != 0) return FailErrno("changing the group id");
  if (setresuid(uid, uid, uid) != 0) return FailErrno("changing the user id");
  NJ_TRY(SetCapabilities(kKept));
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return FailErrno("no_new_privs");
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return FailErrno("not dumpable");
  return ForgetKeys();
}

}  // namespace nightjar
