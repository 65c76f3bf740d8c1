#include "supervisor/cell/kill_members.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ipc/core/bounds.h"
#include "supervisor/cell/hierarchies.h"
#include "supervisor/cell/subgroups.h"

namespace nightjar {
namespace {

// Through a pidfd that is checked against the group once more after it was opened: the number may
// be another process's by then.
void KillMember(int group_dir, const std::string& pid) {
  Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, atoi(pid.c_str()), 0)));
  if (!pidfd.valid()) return;
  auto members = ReadFileAt(group_dir, "cgroup.procs", bounds::kCellMembersRead);
  if (!members) return;
  for (const std::string& member : SplitWords(*members))
    if (member == pid) (void)syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
}

}  // namespace

void KillMembers(int group_dir, int levels) {
  if (auto members = ReadFileAt(group_dir, "cgroup.procs", bounds::kCellMembersRead))
    for (const std::string& pid : SplitWords(*members)) KillMember(group_dir, pid);
  if (levels == 0) return;
  for (const std::string& name : Subgroups(group_dir, "")) {
    Fd below = OpenGroup(group_dir, name.c_str());
    if (below.valid()) KillMembers(below.get(), levels - 1);
  }
}

}  // namespace nightjar
