#include "supervisor/proc/strays.h"

#include <sys/wait.h>

#include "ipc/core/log.h"

namespace nightjar {
namespace {

constexpr int kLooks = 3;

// The first child that is dead and not reaped; 0: there is none.
pid_t DeadChild() {
  siginfo_t info{};
  if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0) return 0;
  return info.si_pid;
}

}  // namespace

bool Strays::Look() {
  const pid_t dead = DeadChild();
  looks_ = dead == seen_ ? looks_ + 1 : 1;
  seen_ = dead;
  if (dead == 0 || looks_ < kLooks) return false;
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(dead), &info, WEXITED | WNOHANG | __WALL) != 0) return false;
  LogWarning("stray_child_reaped", {{"pid", dead}});
  seen_ = 0;
  return true;
}

}  // namespace nightjar
