#include "worker/sandbox/profile.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "ipc/core/fd.h"

namespace nightjar {
namespace {

using Context = std::unique_ptr<void, decltype(&seccomp_release)>;

Status AddRule(scmp_filter_ctx context, const SeccompRule& rule) {
  int call = seccomp_syscall_resolve_name(rule.call.c_str());
  if (call == __NR_SCMP_ERROR)
    return Fail(ErrorCode::kInvalid, "no system call is called " + rule.call);
  std::vector<scmp_arg_cmp> conditions;
  for (const SeccompCondition& condition : rule.conditions)
    conditions.push_back(
        SCMP_CMP64(condition.argument, SCMP_CMP_MASKED_EQ, condition.mask, condition.value));
  uint32_t action =
      rule.error == 0 ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(static_cast<uint32_t>(rule.error));
  int failed = seccomp_rule_add_array(context, action, call,
                                      static_cast<unsigned>(conditions.size()), conditions.data());
  if (failed != 0) return FailErrno("adding a seccomp rule for " + rule.call, -failed);
  return {};
}

Result<std::vector<sock_filter>> Export(scmp_filter_ctx context) {
  Fd compiled(memfd_create("nightjar-seccomp", MFD_CLOEXEC));
  if (!compiled.valid()) return FailErrno("memfd_create");
  if (int failed = seccomp_export_bpf(context, compiled.get()); failed != 0)
    return FailErrno("compiling a seccomp filter", -failed);
  off_t bytes = lseek(compiled.get(), 0, SEEK_END);
  std::vector<sock_filter> filter(static_cast<size_t>(bytes) / sizeof(sock_filter));
  if (pread(compiled.get(), filter.data(), static_cast<size_t>(bytes), 0) != bytes)
    return FailErrno("reading a seccomp filter");
  return filter;
}

}  // namespace

OnDenial OnDenialHere() {
  uint32_t action = SECCOMP_RET_USER_NOTIF;
  if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) != 0) return OnDenial::kKill;
  // The kernel gives a process one listener at most, and a container's manager may have it (EBUSY).
  // Tried in a child: a filter stays for good.
  pid_t child = fork();
  if (child == 0) {
    const Profile allows{{BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}, OnDenial::kNotify};
    bool works = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && InstallProfile(allows) >= 0;
    _exit(works ? 0 : 1);
  }
  int status = -1;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return status == 0 ? OnDenial::kNotify : OnDenial::kKill;
}

Result<Profile> CompileProfile(const SeccompRules& rules, OnDenial on_denial) {
  uint32_t denied = on_denial == OnDenial::kNotify ? SCMP_ACT_NOTIFY : SCMP_ACT_KILL_PROCESS;
  Context context(seccomp_init(denied), seccomp_release);
  if (!context) return Fail(ErrorCode::kExhausted, "seccomp_init");
  seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  for (const SeccompRule& rule : rules) NJ_TRY(AddRule(context.get(), rule));
  NJ_ASSIGN(auto filter, Export(context.get()));
  return Profile{std::move(filter), on_denial};
}

int InstallProfile(const Profile& profile) {
  sock_fprog program{static_cast<unsigned short>(profile.filter.size()),
                     const_cast<sock_filter*>(profile.filter.data())};
  // Not SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: a thread that waits so does not freeze, and a kill
  // freezes its cell first.
  unsigned flags = profile.on_denial == OnDenial::kNotify ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
  return static_cast<int>(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}

}  // namespace nightjar
