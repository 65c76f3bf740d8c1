#include "supervisor/cell/leftovers.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <vector>

#include "supervisor/cell/cell_counters.h"
#include "supervisor/cell/give_back.h"
#include "supervisor/cell/kill_members.h"
#include "supervisor/cell/subgroups.h"

namespace nightjar {
namespace {

using Deadline = std::chrono::steady_clock::time_point;

constexpr int kLevels = 4;  // top, canvas, cell, and one that nobody makes

bool Populated(int dir) {
  auto events = ReadFileAt(dir, "cgroup.events");
  return events && CounterIn(*events, "populated") != 0;
}

bool RemoveTree(int parent, const std::string& name, int levels) {
  Fd dir = OpenGroup(parent, name.c_str());
  if (dir.valid() && levels > 0)
    for (const std::string& below : Subgroups(dir.get(), ""))
      RemoveTree(dir.get(), below, levels - 1);
  GiveBackMemory(parent, name, UINT64_MAX);
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
      Fd dir = OpenGroup(top, name.c_str());
      if (dir.valid()) KillMembers(dir.get(), kLevels);
    }
    if (gone || std::chrono::steady_clock::now() >= deadline) return gone;
    poll(nullptr, 0, 1);
  }
}

void KillUnified(int top, std::string_view prefix, Deadline deadline) {
  std::vector<Fd> dying;
  for (const std::string& name : Subgroups(top, prefix)) {
    Fd dir = OpenGroup(top, name.c_str());
    if (!dir.valid()) continue;
    if (!WriteFileAt(dir.get(), "cgroup.kill", "1")) KillMembers(dir.get(), kLevels);
    dying.push_back(std::move(dir));
  }
  for (const Fd& dir : dying)
    while (Populated(dir.get()) && std::chrono::steady_clock::now() < deadline) poll(nullptr, 0, 1);
}

// What is frozen there does not die.
void ThawAll(const Fd& freezer, std::string_view prefix) {
  if (!freezer.valid()) return;
  for (const std::string& canvas : Subgroups(freezer.get(), prefix)) {
    Fd dir = OpenGroup(freezer.get(), canvas.c_str());
    for (const std::string& cell : Subgroups(dir.get(), ""))
      (void)WriteFileAt(dir.get(), (cell + "/freezer.state").c_str(), "THAWED");
  }
}

}  // namespace

void AwaitEmptyGroup(const Fd& parent, const char* name, std::chrono::milliseconds patience) {
  Deadline deadline = std::chrono::steady_clock::now() + patience;
  Fd dir = OpenGroup(parent.get(), name);
  while (dir.valid() && Populated(dir.get()) && std::chrono::steady_clock::now() < deadline)
    poll(nullptr, 0, 1);
}

Status ClearGroups(const GroupDirs& top, std::string_view prefix,
                   std::chrono::milliseconds patience) {
  Deadline deadline = std::chrono::steady_clock::now() + patience;
  ThawAll(top.freezer_v1, prefix);
  if (top.unified.valid()) KillUnified(top.unified.get(), prefix, deadline);
  bool gone = true;
  for (const Fd* dir : top.all()) {
    // In a v1 group are processes that an earlier supervisor had not, or not yet, put into the
    // unified one; on a host with v1 alone all of them.
    bool kill_members = dir != &top.unified;
    if (dir->valid()) gone = RemoveAllBelow(dir->get(), prefix, kill_members, deadline) && gone;
  }
  if (!gone)
    return Fail(ErrorCode::kTimedOut,
                "a process of an earlier run does not die, or its cgroup is busy");
  return {};
}

}  // namespace nightjar
