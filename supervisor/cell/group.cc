#include "supervisor/cell/group.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <span>
#include <vector>

#include "supervisor/cell/control_groups.h"

namespace nightjar {
namespace {

std::string LastPart(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

Result<Fd> OpenDir(int parent, const std::string& name) {
  Fd fd(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return FailErrno("opening the group " + name);
  return fd;
}

// The controllers that a canvas hands on to its cells.
std::string CellControllers(const Hierarchies& h) {
  std::string words;
  if (h.memory.home == ControllerHome::kUnified) words += "+memory ";
  if (h.pids.home == ControllerHome::kUnified) words += "+pids";
  return words;
}

Status MakeUnified(const Hierarchies& h, const GroupDirs& parent, const std::string& name,
                   GroupLevel level, GroupDirs& dirs) {
  if (!parent.unified.valid()) return {};
  if (mkdirat(parent.unified.get(), name.c_str(), 0755) != 0 && errno != EEXIST)
    return FailErrno("making the group " + name);
  NJ_ASSIGN(dirs.unified, OpenDir(parent.unified.get(), name));
  std::string controllers = CellControllers(h);
  if (level == GroupLevel::kCanvas && !controllers.empty())
    NJ_TRY(WriteFileAt(dirs.unified.get(), "cgroup.subtree_control", controllers));
  return {};
}

// A v1 group is made and limited in one step: libcgroup reads the mount table at each call.
Status MakeV1(const char* controller, const std::string& group, const Fd& parent,
              std::span<const ControlSetting> settings, Fd& dir) {
  NJ_TRY(CreateControlGroup(controller, group, settings));
  NJ_ASSIGN(dir, OpenDir(parent.get(), LastPart(group)));
  return {};
}

struct Made {
  GroupDirs dirs;
  CanvasLimits in_force;  // what the v1 groups were made with
};

Status MakeV1Groups(const TreeFrame& frame, const GroupDirs& parent, const std::string& path,
                    GroupLevel level, const CanvasLimits& limits, Made& made) {
  constexpr auto kV1 = ControllerHome::kV1;
  GroupDirs& dirs = made.dirs;
  if (parent.memory_v1.valid()) {
    std::vector<ControlSetting> settings;
    if (limits.memory_bytes != 0)
      settings = MemorySettings(kV1, level, frame.swap, 0, limits.memory_bytes);
    NJ_TRY(MakeV1("memory", frame.memory_top + "/" + path, parent.memory_v1, settings,
                  dirs.memory_v1));
    made.in_force.memory_bytes = limits.memory_bytes;
  }
  if (parent.pids_v1.valid()) {
    std::vector<ControlSetting> settings;
    if (limits.pids != 0) settings = PidsSettings(limits.pids);
    NJ_TRY(MakeV1("pids", frame.pids_top + "/" + path, parent.pids_v1, settings, dirs.pids_v1));
    made.in_force.pids = limits.pids;
  }
  if (parent.cpu_v1.valid() && level == GroupLevel::kCanvas) {
    std::vector<ControlSetting> settings =
        CpuSettings(kV1, limits.cpus, limits.cpu_weight, limits.cpu_burst_us);
    NJ_TRY(MakeV1("cpu", frame.cpu_top + "/" + path, parent.cpu_v1, settings, dirs.cpu_v1));
    made.in_force.cpus = limits.cpus;
    made.in_force.cpu_weight = limits.cpu_weight;
    made.in_force.cpu_burst_us = limits.cpu_burst_us;
  }
  if (parent.blkio_v1.valid() && level == GroupLevel::kCanvas)
    NJ_TRY(MakeV1("blkio", frame.io_top + "/" + path, parent.blkio_v1, {}, dirs.blkio_v1));
  if (parent.cpuacct_v1.valid())
    NJ_TRY(
        MakeV1("cpuacct", frame.cpuacct_top + "/" + path, parent.cpuacct_v1, {}, dirs.cpuacct_v1));
  if (parent.freezer_v1.valid())
    NJ_TRY(
        MakeV1("freezer", frame.freezer_top + "/" + path, parent.freezer_v1, {}, dirs.freezer_v1));
  return {};
}

Result<Made> MakeGroups(const TreeFrame& frame, const GroupDirs& parent, const std::string& path,
                        GroupLevel level, const CanvasLimits& limits) {
  Made made;
  Status status = MakeUnified(frame.hierarchies, parent, LastPart(path), level, made.dirs);
  if (status) status = MakeV1Groups(frame, parent, path, level, limits, made);
  if (status) return made;
  // Best effort: what could not be made has no process in it.
  (void)RemoveGroup(parent, LastPart(path));
  return tl::unexpected<Error>(status.error());
}

}  // namespace

Result<Group> Group::MakeCanvas(const TreeFrame& frame, const GroupDirs& parent,
                                const std::string& path, const CanvasLimits& limits) {
  NJ_ASSIGN(Made made, MakeGroups(frame, parent, path, GroupLevel::kCanvas, limits));
  Group group(path, std::move(made.dirs), made.in_force);
  if (Status set = group.SetCanvas(frame, limits); !set) {
    (void)RemoveGroup(parent, LastPart(path));
    return tl::unexpected<Error>(set.error());
  }
  return group;
}

Result<Group> Group::MakeCell(const TreeFrame& frame, const GroupDirs& parent,
                              const std::string& path, const CellLimits& limits) {
  CanvasLimits as_canvas{limits.memory_bytes, limits.pids, 0, 100};
  NJ_ASSIGN(Made made, MakeGroups(frame, parent, path, GroupLevel::kCell, as_canvas));
  Group group(path, std::move(made.dirs), made.in_force);
  Status set = group.SetCell(frame, limits);
  if (set && frame.hierarchies.memory.home == ControllerHome::kUnified)
    set = WriteFileAt(group.dirs_.unified.get(), "memory.oom.group", "1");
  if (!set) {
    (void)RemoveGroup(parent, LastPart(path));
    return tl::unexpected<Error>(set.error());
  }
  return group;
}

Status Group::SetMemoryAndPids(const TreeFrame& frame, GroupLevel level, uint64_t memory_bytes,
                               uint64_t pids) {
  const Hierarchies& h = frame.hierarchies;
  bool v1 = h.memory.home == ControllerHome::kV1;
  if (memory_bytes != in_force_.memory_bytes && h.memory.home != ControllerHome::kNone) {
    NJ_TRY(SetControlGroup(
        "memory", (v1 ? frame.memory_top : frame.unified_top) + "/" + path_,
        MemorySettings(h.memory.home, level, frame.swap, in_force_.memory_bytes, memory_bytes)));
    in_force_.memory_bytes = memory_bytes;
  }
  if (pids != in_force_.pids && h.pids.home != ControllerHome::kNone) {
    bool pids_v1 = h.pids.home == ControllerHome::kV1;
    NJ_TRY(SetControlGroup("pids", (pids_v1 ? frame.pids_top : frame.unified_top) + "/" + path_,
                           PidsSettings(pids)));
    in_force_.pids = pids;
  }
  return {};
}

Status Group::SetCell(const TreeFrame& frame, const CellLimits& limits) {
  return SetMemoryAndPids(frame, GroupLevel::kCell, limits.memory_bytes, limits.pids);
}

Status Group::SetCanvas(const TreeFrame& frame, const CanvasLimits& limits) {
  NJ_TRY(SetMemoryAndPids(frame, GroupLevel::kCanvas, limits.memory_bytes, limits.pids));
  NJ_TRY(SetCpu(frame, limits));
  return SetDiskRead(frame, limits.disk_read_bytes);
}

Status Group::SetCpu(const TreeFrame& frame, const CanvasLimits& limits) {
  const ControllerPlace& cpu = frame.hierarchies.cpu;
  bool same = limits.cpus == in_force_.cpus && limits.cpu_weight == in_force_.cpu_weight &&
              limits.cpu_burst_us == in_force_.cpu_burst_us;
  if (same || cpu.home == ControllerHome::kNone) return {};
  if (in_force_.cpu_burst_us > 0) {
    ControlSetting none = CpuBurst(cpu.home, 0);
    NJ_TRY(WriteFileAt(dirs_.cpu(), none.file.c_str(), none.value));
    in_force_.cpu_burst_us = 0;
  }
  bool v1 = cpu.home == ControllerHome::kV1;
  NJ_TRY(
      SetControlGroup("cpu", (v1 ? frame.cpu_top : frame.unified_top) + "/" + path_,
                      CpuSettings(cpu.home, limits.cpus, limits.cpu_weight, limits.cpu_burst_us)));
  in_force_.cpus = limits.cpus;
  in_force_.cpu_weight = limits.cpu_weight;
  in_force_.cpu_burst_us = limits.cpu_burst_us;
  return {};
}

// Through the held directory: this stands between the decision to kill and the kill.
Status Group::SetCpuQuota(const TreeFrame& frame, double cpus) {
  ControllerHome home = frame.hierarchies.cpu.home;
  if (cpus == in_force_.cpus || home == ControllerHome::kNone) return {};
  ControlSetting quota = CpuQuota(home, cpus);
  NJ_TRY(WriteFileAt(dirs_.cpu(), quota.file.c_str(), quota.value));
  in_force_.cpus = cpus;
  return {};
}

// Through the held directory: libcgroup sets a file once, and this one is written once a disk.
Status Group::SetDiskRead(const TreeFrame& frame, uint64_t bytes) {
  if (bytes == in_force_.disk_read_bytes) return {};
  for (const Disk& disk : frame.disks) {
    ControlSetting setting = DiskRead(frame.hierarchies.io.home, disk, bytes);
    if (Status set = WriteFileAt(dirs_.io(), setting.file.c_str(), setting.value); !set)
      return Wrap(set.error(), path_ + ": " + setting.file + " = " + setting.value);
  }
  in_force_.disk_read_bytes = bytes;
  return {};
}

Status RemoveGroup(const GroupDirs& parent, const std::string& name) {
  Status status;
  for (const Fd* dir : parent.all()) {
    if (!dir->valid() || unlinkat(dir->get(), name.c_str(), AT_REMOVEDIR) == 0) continue;
    if (errno != ENOENT && status) status = FailErrno("removing the group " + name);
  }
  return status;
}

}  // namespace nightjar
