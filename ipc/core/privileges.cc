#include "ipc/core/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ipc/core/log.h"

namespace nightjar {

Status DropPrivileges(uint32_t uid, uint32_t gid) {
  if (uid == 0 || gid == 0)
    return Fail(ErrorCode::kInvalid, "root is no user to drop privileges to");
  rlimit no_core{0, 0};
  if (setrlimit(RLIMIT_CORE, &no_core) != 0) return FailErrno("forbidding core dumps");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return FailErrno("no_new_privs");
  for (int capability = 0; capability <= 63; ++capability) {
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
    if (errno == EINVAL) break;  // past the last one that this kernel knows
    return FailErrno("emptying the capability bounding set");
  }
  if (setgroups(0, nullptr) != 0) return FailErrno("dropping supplementary groups");
  if (setresgid(gid, gid, gid) != 0) return FailErrno("changing the group id");
  if (setresuid(uid, uid, uid) != 0) return FailErrno("changing the user id");
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2]{};
  if (syscall(SYS_capset, &header, none) != 0) return FailErrno("dropping capabilities");
  if (setresuid(-1, 0, -1) == 0)
    return Fail(ErrorCode::kInternal, "privileges came back after they were dropped");
  return {};
}

Status RaiseToRealTime() {
  sched_param second{sched_get_priority_min(SCHED_FIFO) + 1};
  if (sched_setscheduler(0, SCHED_FIFO, &second) != 0) return FailErrno("sched_setscheduler");
  return {};
}

void KeepRealTimeToItself() {
  if (sched_getscheduler(0) != SCHED_FIFO) return;
  if (Status alone = RaiseItselfToRealTime(); !alone)
    LogWarning("real_time_inherited", {{"error", alone.error().ToString()}});
}

Status RaiseItselfToRealTime() {
  sched_param lowest{sched_get_priority_min(SCHED_FIFO)};
  if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &lowest) != 0)
    return FailErrno("sched_setscheduler");
  return {};
}

void RaisePriority(int nice) {
  if (setpriority(PRIO_PROCESS, 0, nice) == 0) return;
  LogWarning("priority_refused",
             {{"nice", nice}, {"error", FailErrno("setpriority").value().ToString()}});
}

}  // namespace nightjar
