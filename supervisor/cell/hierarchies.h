// Where this host keeps its cgroup controllers: v1 hierarchies, the unified tree, or some in each
// (a hybrid host).
//
// Parsing and choosing are pure, so that any host's tables can be tested; FindHierarchies() asks
// this host, and believes a mount only when statfs says the same (on hybrid hosts /sys/fs/cgroup
// itself is a tmpfs, where mkdir succeeds and proves nothing). It makes and changes nothing. Any
// thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/core/result.h"

namespace nightjar {

struct CgroupMount {
  std::string path;
  bool unified = false;
  std::vector<std::string> options;  // v1: the controllers of the hierarchy are among them
};

// The cgroup file systems in the text of /proc/self/mounts, in its order.
std::vector<CgroupMount> ParseCgroupMounts(std::string_view mounts);

// The text of /proc/self/cgroup: the caller's group for each v1 controller, and for "" in the
// unified tree.
std::map<std::string, std::string, std::less<>> ParseOwnGroups(std::string_view text);

// Words of a cgroup.controllers file.
std::vector<std::string> SplitWords(std::string_view text);

enum class ControllerHome { kNone, kV1, kUnified };

struct ControllerPlace {
  ControllerHome home = ControllerHome::kNone;
  std::string mount = {};  // kV1: its hierarchy's mount point
  std::string lost = {};   // kNone: why, where the host has it
};

struct Hierarchies {
  std::string unified_mount;  // "" where the host has none
  ControllerPlace memory;
  ControllerPlace pids;
  ControllerPlace cpu;
  ControllerPlace io;  // v1 calls it blkio
  // What the unified tree does better, so that they are looked for on hosts without one only: cpu
  // time and freezing.
  ControllerPlace cpuacct;
  ControllerPlace freezer;

  bool v1_alone() const { return unified_mount.empty(); }
  // Where v1 alone tells who is in a group: pids, else memory.
  const ControllerPlace& members() const {
    return pids.home == ControllerHome::kV1 ? pids : memory;
  }

  // Nothing would tell which processes are of a run.
  bool none() const { return v1_alone() && members().home != ControllerHome::kV1; }

  // What cells are made of, without io, which no run depends on:
  // "hybrid: v1 memory, pids, cpu + unified", "v2: memory, pids, cpu", "v1 alone: memory, pids,
  // cpuacct, freezer", "none".
  std::string Describe() const;
};

// A v1 hierarchy wins where both exist: a controller mounted as v1 is not available in the unified
// tree.
Hierarchies ChooseHierarchies(const std::vector<CgroupMount>& mounts,
                              const std::vector<std::string>& unified_controllers);

enum class UnifiedTree { kUsed, kIgnored };
Result<Hierarchies> FindHierarchies(UnifiedTree unified = UnifiedTree::kUsed);

}  // namespace nightjar
