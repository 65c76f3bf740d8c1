#include "worker/sandbox/profile.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>

#include "ipc/core/fd.h"

namespace nightjar {
namespace {

// Each with its reason. What is not here is not needed by an interpreter that computes, speaks on
// one socket and writes one ring.
constexpr int kAllowed[] = {
    // its control socket
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(close),
    // bodies as memfds: made, sealed, read
    SCMP_SYS(memfd_create),
    SCMP_SYS(ftruncate),
    SCMP_SYS(read),
    SCMP_SYS(pread64),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),  // glibc's fstat
    // memory
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    // waiting and time
    SCMP_SYS(futex),
    SCMP_SYS(pause),
    SCMP_SYS(clock_gettime),  // where the vDSO cannot answer
    SCMP_SYS(gettimeofday),
    SCMP_SYS(setitimer),  // its own backstop
    // randomness for Uuid::generate and the like
    SCMP_SYS(getrandom),
    // its end, and the delivery of its own backstop signal
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    // abort(), so that our own CHECK does not end as a denied call; the first process of a
    // namespace does not hear its own SIGABRT, and ends by the SIGSEGV that abort() tries next
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
};

using Context = std::unique_ptr<void, decltype(&seccomp_release)>;

Status AddRules(scmp_filter_ctx context) {
  for (int call : kAllowed)
    if (int failed = seccomp_rule_add(context, SCMP_ACT_ALLOW, call, 0); failed != 0)
      return FailErrno("adding a seccomp rule", -failed);
  // Memory that is executable is never mapped: there is no code to load.
  for (int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)})
    if (int failed = seccomp_rule_add(context, SCMP_ACT_ALLOW, call, 1,
                                      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
        failed != 0)
      return FailErrno("adding a seccomp rule for memory", -failed);
  for (int command : {F_ADD_SEALS, F_GET_SEALS, F_GETFD, F_SETFD})
    if (int failed = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
                                      SCMP_A1(SCMP_CMP_EQ, static_cast<scmp_datum_t>(command)));
        failed != 0)
      return FailErrno("adding a seccomp rule for fcntl", -failed);
  // A memfd's content; the control socket is written with sendmsg.
  if (int failed = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(write), 0); failed != 0)
    return FailErrno("adding a seccomp rule for write", -failed);
  // To itself only: in its own pid namespace it is 1.
  if (int failed =
          seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, 1));
      failed != 0)
    return FailErrno("adding a seccomp rule for tgkill", -failed);
  return {};
}

}  // namespace

Result<std::vector<sock_filter>> CompileInterpreterProfile() {
  Context context(seccomp_init(SCMP_ACT_KILL_PROCESS), seccomp_release);
  if (!context) return Fail(ErrorCode::kExhausted, "seccomp_init");
  seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  NJ_TRY(AddRules(context.get()));
  Fd compiled(memfd_create("nightjar-seccomp", MFD_CLOEXEC));
  if (!compiled.valid()) return FailErrno("memfd_create");
  if (int failed = seccomp_export_bpf(context.get(), compiled.get()); failed != 0)
    return FailErrno("compiling a seccomp filter", -failed);
  off_t bytes = lseek(compiled.get(), 0, SEEK_END);
  std::vector<sock_filter> filter(static_cast<size_t>(bytes) / sizeof(sock_filter));
  if (pread(compiled.get(), filter.data(), static_cast<size_t>(bytes), 0) != bytes)
    return FailErrno("reading a seccomp filter");
  return filter;
}

int InstallProfile(const std::vector<sock_filter>& filter) {
  sock_fprog program{static_cast<unsigned short>(filter.size()),
                     const_cast<sock_filter*>(filter.data())};
  return static_cast<int>(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

}  // namespace nightjar
