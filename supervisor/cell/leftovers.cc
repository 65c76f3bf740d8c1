#include "supervisor/cell/leftovers.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "ipc/core/bounds.h"
#include "supervisor/cell/cell_counters.h"

namespace nightjar {
namespace {

using Deadline = std::chrono::steady_clock::time_point;

constexpr int kLevels = 4;  // top, canvas, cell, and one that nobody makes

Fd OpenDir(int parent, const char* name) {
  return Fd(openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
}

std::vector<std::string> Subgroups(int dir_fd, std::string_view prefix) {
  std::vector<std::string> names;
  int copy = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return names;
  std::unique_ptr<DIR, int (*)(DIR*)> dir(fdopendir(copy), closedir);
  while (dirent* entry = readdir(dir.get())) {
    std::string_view name(entry->d_name);
    if (entry->d_type == DT_DIR && name != "." && name != ".." && name.starts_with(prefix))
      names.emplace_back(name);
  }
  return names;
}

bool Populated(int dir) {
  auto events = ReadFileAt(dir, "cgroup.events");
  return events && CounterIn(*events, "populated") != 0;
}

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

// Processes that an earlier supervisor had put into a v1 group and not, or not yet, into the
// unified one.
void KillMembers(int dir, int levels) {
  if (auto members = ReadFileAt(dir, "cgroup.procs", bounds::kCellMembersRead))
    for (const std::string& pid : SplitWords(*members)) KillMember(dir, pid);
  if (levels == 0) return;
  for (const std::string& name : Subgroups(dir, "")) {
    Fd below = OpenDir(dir, name.c_str());
    if (below.valid()) KillMembers(below.get(), levels - 1);
  }
}

bool RemoveTree(int parent, const std::string& name, int levels) {
  Fd dir = OpenDir(parent, name.c_str());
  if (dir.valid() && levels > 0)
    for (const std::string& below : Subgroups(dir.get(), ""))
      RemoveTree(dir.get(), below, levels - 1);
  return unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT;
}

// Tries until the deadline: a group is busy for a moment after its last process was seen to be
// gone.
bool RemoveAllBelow(int top, std::string_view prefix, bool kill_members, Deadline deadline) {
  for (;;) {
    bool gone = true;
    for (const std::string& name : Subgroups(top, prefix)) {
      if (RemoveTree(top, name, kLevels)) continue;
      gone = false;
      if (!kill_members) continue;
      Fd dir = OpenDir(top, name.c_str());
      if (dir.valid()) KillMembers(dir.get(), kLevels);
    }
    if (gone || std::chrono::steady_clock::now() >= deadline) return gone;
    poll(nullptr, 0, 1);
  }
}

void KillUnified(int top, std::string_view prefix, Deadline deadline) {
  std::vector<Fd> dying;
  for (const std::string& name : Subgroups(top, prefix)) {
    Fd dir = OpenDir(top, name.c_str());
    if (!dir.valid()) continue;
    if (!WriteFileAt(dir.get(), "cgroup.kill", "1")) KillMembers(dir.get(), kLevels);
    dying.push_back(std::move(dir));
  }
  for (const Fd& dir : dying)
    while (Populated(dir.get()) && std::chrono::steady_clock::now() < deadline) poll(nullptr, 0, 1);
}

}  // namespace

Status ClearGroups(const GroupDirs& top, std::string_view prefix,
                   std::chrono::milliseconds patience) {
  Deadline deadline = std::chrono::steady_clock::now() + patience;
  KillUnified(top.unified.get(), prefix, deadline);
  bool gone = RemoveAllBelow(top.unified.get(), prefix, /*kill_members=*/false, deadline);
  for (const Fd* dir : {&top.memory_v1, &top.pids_v1, &top.cpu_v1})
    if (dir->valid())
      gone = RemoveAllBelow(dir->get(), prefix, /*kill_members=*/true, deadline) && gone;
  if (!gone)
    return Fail(ErrorCode::kTimedOut,
                "a process of an earlier run does not die, or its cgroup is busy");
  return {};
}

}  // namespace nightjar
