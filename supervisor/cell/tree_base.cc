#include "supervisor/cell/tree_base.h"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>

#include "ipc/core/fd.h"

namespace nightjar {
namespace {

using OwnGroups = std::map<std::string, std::string, std::less<>>;

bool IsDelegated(const std::string& path) {
  char value[8];
  for (const char* name : {"user.delegate", "trusted.delegate"})
    if (getxattr(path.c_str(), name, value, sizeof value) == 1 && value[0] == '1') return true;
  return false;
}

bool IsWritable(const std::string& path) {
  return access(path.c_str(), W_OK) == 0;
}

std::string WithoutLeaf(std::string path) {
  if (path.ends_with(kLeaf)) path.resize(path.size() - (sizeof kLeaf - 1));
  return path;
}

// Of one hierarchy: the group to build in. Empty and false where none is this process's.
bool ChooseBase(const std::string& mount, const std::string& own, bool delegated,
                std::string& base) {
  base = delegated || !IsWritable(mount) ? own : "";
  return IsWritable(mount + "/" + base);
}

void ChooseV1(ControllerPlace& place, const std::string& own, bool delegated, std::string& base) {
  if (place.home != ControllerHome::kV1) return;
  if (ChooseBase(place.mount, own, delegated, base)) return;
  place = {ControllerHome::kNone, "", "v1, at " + place.mount + ", and not this user's to write"};
}

void KeepHandedDown(ControllerPlace& place, const char* name,
                    const std::vector<std::string>& handed_down) {
  if (place.home != ControllerHome::kUnified) return;
  if (std::find(handed_down.begin(), handed_down.end(), name) != handed_down.end()) return;
  place = {ControllerHome::kNone, "", "in the unified tree, and not delegated to this group"};
}

}  // namespace

std::string RelativeGroup(std::string_view path) {
  if (path.find("/..") != std::string_view::npos) return "";
  while (path.starts_with('/')) path.remove_prefix(1);
  return std::string(path);
}

const std::string& TreeBase::members() const {
  if (!hierarchies.v1_alone()) return unified;
  return &hierarchies.members() == &hierarchies.pids ? pids : memory;
}

std::string TreeBase::GroupDirectory() const {
  const Hierarchies& h = hierarchies;
  if (h.none()) return "";
  return (h.v1_alone() ? h.members().mount : h.unified_mount) + "/" + members();
}

Result<TreeBase> FindTreeBase() {
  TreeBase base;
  NJ_ASSIGN(base.hierarchies, FindHierarchies());
  Hierarchies& h = base.hierarchies;
  NJ_ASSIGN(std::string text, ReadFileAt(AT_FDCWD, "/proc/self/cgroup"));
  OwnGroups own = ParseOwnGroups(text);
  std::string unit = WithoutLeaf(RelativeGroup(own[""]));
  bool delegated = false;
  std::vector<std::string> handed_down;
  if (!h.unified_mount.empty()) {
    delegated = !unit.empty() && IsDelegated(h.unified_mount + "/" + unit);
    if (ChooseBase(h.unified_mount, unit, delegated, base.unified)) {
      std::string file = h.unified_mount + "/" + base.unified + "/cgroup.controllers";
      NJ_ASSIGN(std::string words, ReadFileAt(AT_FDCWD, file.c_str()));
      handed_down = SplitWords(words);
    } else {
      // What it would have done better falls to v1.
      NJ_ASSIGN(h, FindHierarchies(UnifiedTree::kIgnored));
    }
  }
  KeepHandedDown(h.memory, "memory", handed_down);
  KeepHandedDown(h.pids, "pids", handed_down);
  KeepHandedDown(h.cpu, "cpu", handed_down);
  KeepHandedDown(h.io, "io", handed_down);
  ChooseV1(h.memory, RelativeGroup(own["memory"]), delegated, base.memory);
  ChooseV1(h.pids, RelativeGroup(own["pids"]), delegated, base.pids);
  ChooseV1(h.cpu, RelativeGroup(own["cpu"]), delegated, base.cpu);
  ChooseV1(h.io, RelativeGroup(own["blkio"]), delegated, base.io);
  ChooseV1(h.cpuacct, RelativeGroup(own["cpuacct"]), delegated, base.cpuacct);
  ChooseV1(h.freezer, RelativeGroup(own["freezer"]), delegated, base.freezer);
  return base;
}

}  // namespace nightjar
