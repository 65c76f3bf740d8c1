#include "supervisor/cell/top_group.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"
#include "supervisor/cell/control_groups.h"
#include "supervisor/cell/disks.h"
#include "supervisor/cell/leftovers.h"

namespace nightjar {
namespace {

constexpr const char* kHelpers = "helpers";

Result<Fd> OpenDir(const std::string& path) {
  Fd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return FailErrno("opening " + path);
  return fd;
}

std::string Join(const std::string& base, const std::string& name) {
  return base.empty() ? name : base + "/" + name;
}

std::string UnifiedControllers(const Hierarchies& h) {
  std::string words;
  if (h.memory.home == ControllerHome::kUnified) words += "+memory ";
  if (h.pids.home == ControllerHome::kUnified) words += "+pids ";
  if (h.cpu.home == ControllerHome::kUnified) words += "+cpu ";
  if (h.io.home == ControllerHome::kUnified) words += "+io";
  return words;
}

// A process that leaves by itself in the meantime is no failure.
Status MoveToLeaf(const Fd& unit) {
  if (mkdirat(unit.get(), kLeaf + 1, 0755) != 0 && errno != EEXIST)
    return FailErrno("making the leaf /supervisor");
  Fd leaf(openat(unit.get(), kLeaf + 1, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!leaf.valid()) return FailErrno("opening the leaf /supervisor");
  NJ_ASSIGN(std::string members, ReadFileAt(unit.get(), "cgroup.procs", bounds::kCellMembersRead));
  for (const std::string& pid : SplitWords(members))
    if (Status moved = WriteFileAt(leaf.get(), "cgroup.procs", pid);
        !moved && moved.error().sys != ESRCH)
      return Wrap(moved.error(), "moving the unit's processes to a leaf");
  return {};
}

// Hands the controllers down from the base to the top group's children.
Status EnableControllers(const Hierarchies& h, const std::string& base, const Fd& base_dir,
                         const Fd& top) {
  std::string words = UnifiedControllers(h);
  if (words.empty()) return {};
  if (!base.empty()) NJ_TRY(MoveToLeaf(base_dir));
  for (const Fd* dir : {&base_dir, &top})
    if (Status set = WriteFileAt(dir->get(), "cgroup.subtree_control", words); !set)
      return Wrap(set.error(), "handing " + words + " down in the unified tree");
  return {};
}

// mkdir and cgroup.procs are what the owner needs; limits of the top group itself stay root's.
Status GiveAway(const Fd& dir, std::initializer_list<const char*> files,
                const CellTree::Options& options) {
  if (fchown(dir.get(), options.owner_uid, options.owner_gid) != 0)
    return FailErrno("giving the top group away");
  for (const char* file : files)
    if (fchownat(dir.get(), file, options.owner_uid, options.owner_gid, AT_SYMLINK_NOFOLLOW) != 0 &&
        errno != ENOENT)
      return FailErrno(std::string("giving away ") + file);
  return {};
}

Status Lock(const std::string& mount, TopGroup& top) {
  NJ_ASSIGN(top.lock, OpenDir(mount + "/" + top.path));
  if (flock(top.lock.get(), LOCK_EX | LOCK_NB) == 0) return {};
  if (errno == EWOULDBLOCK)
    return Fail(ErrorCode::kExists, "another supervisor holds the cgroup " + top.path);
  return FailErrno("locking the top group");
}

Status MakeUnifiedTop(const CellTree::Options& options, const TreeBase& base, TopGroup& top) {
  const Hierarchies& h = top.frame.hierarchies;
  NJ_ASSIGN(Fd base_dir, OpenDir(h.unified_mount + "/" + base.unified));
  if (mkdirat(base_dir.get(), options.top.c_str(), 0755) != 0 && errno != EEXIST)
    return FailErrno("making the group " + options.top + " in " + h.unified_mount);
  top.frame.unified_top = Join(base.unified, options.top);
  NJ_ASSIGN(top.dirs.unified, OpenDir(h.unified_mount + "/" + top.frame.unified_top));
  NJ_TRY(Lock(h.unified_mount, top));
  return EnableControllers(h, base.unified, base_dir, top.dirs.unified);
}

Status MakeV1Top(const ControllerPlace& place, const char* controller, const std::string& path,
                 Fd& dir) {
  if (place.home != ControllerHome::kV1) return {};
  NJ_TRY(CreateControlGroup(controller, path, {}));
  NJ_ASSIGN(dir, OpenDir(place.mount + "/" + path));
  return {};
}

Status MakeV1Tops(TopGroup& top) {
  const Hierarchies& h = top.frame.hierarchies;
  NJ_TRY(MakeV1Top(h.memory, "memory", top.frame.memory_top, top.dirs.memory_v1));
  NJ_TRY(MakeV1Top(h.pids, "pids", top.frame.pids_top, top.dirs.pids_v1));
  NJ_TRY(MakeV1Top(h.cpu, "cpu", top.frame.cpu_top, top.dirs.cpu_v1));
  NJ_TRY(MakeV1Top(h.io, "blkio", top.frame.io_top, top.dirs.blkio_v1));
  NJ_TRY(MakeV1Top(h.cpuacct, "cpuacct", top.frame.cpuacct_top, top.dirs.cpuacct_v1));
  NJ_TRY(MakeV1Top(h.freezer, "freezer", top.frame.freezer_top, top.dirs.freezer_v1));
  if (!h.v1_alone()) return {};
  return Lock(h.members().mount, top);
}

// Kernels before 5.11 count a group's children only where it says 1; it must be set before there
// are children.
void CountChildren(const GroupDirs& dirs) {
  if (!dirs.memory_v1.valid()) return;
  auto now = ReadFileAt(dirs.memory_v1.get(), "memory.use_hierarchy");
  if (!now || now->starts_with('1')) return;
  if (Status set = WriteFileAt(dirs.memory_v1.get(), "memory.use_hierarchy", "1"); !set)
    LogWarning("memory_hierarchy_off", {{"error", set.error().ToString()}});
}

SwapAccounting FindSwapAccounting(const Hierarchies& h, const GroupDirs& dirs) {
  const char* file =
      h.memory.home == ControllerHome::kV1 ? "memory.memsw.limit_in_bytes" : "memory.swap.max";
  return faccessat(dirs.memory(), file, F_OK, 0) == 0 ? SwapAccounting::kPresent
                                                      : SwapAccounting::kAbsent;
}

// The controller alone does not tell: a kernel may have it without throttling, and a device may not
// take part. Lifting a limit that is not there is refused in the same cases as setting one.
std::vector<Disk> LimitedDisks(const std::vector<Disk>& disks, const ControllerPlace& io,
                               const GroupDirs& dirs) {
  std::vector<Disk> limited;
  if (io.home == ControllerHome::kNone) return limited;
  for (const Disk& disk : disks) {
    ControlSetting none = DiskRead(io.home, disk, 0);
    if (Status set = WriteFileAt(dirs.io(), none.file.c_str(), none.value); set)
      limited.push_back(disk);
    else
      LogWarning("disk_not_limited", {{"disk", NameOf(disk)}, {"error", set.error().ToString()}});
  }
  return limited;
}

Status MakeHelpers(const CellTree::Options& options, TopGroup& top) {
  if (mkdirat(top.dirs.unified.get(), kHelpers, 0755) != 0 && errno != EEXIST)
    return FailErrno("making the group helpers");
  top.helpers = Fd(openat(top.dirs.unified.get(), kHelpers, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!top.helpers.valid()) return FailErrno("opening the group helpers");
  return GiveAway(top.helpers, {"cgroup.procs", "cgroup.threads", "cgroup.kill", "cgroup.freeze"},
                  options);
}

Status RefuseOwnTree(const Hierarchies& h, const std::string& top) {
  NJ_ASSIGN(std::string text, ReadFileAt(AT_FDCWD, "/proc/self/cgroup"));
  const char* where = !h.v1_alone() ? "" : &h.members() == &h.pids ? "pids" : "memory";
  std::string own = RelativeGroup(ParseOwnGroups(text)[where]) + "/";
  if (own.starts_with(top + "/"))
    return Fail(ErrorCode::kInvalid, "the supervisor runs inside its own cgroup " + top +
                                         ", whose processes it would kill");
  return {};
}

}  // namespace

Result<TopGroup> OpenTopGroup(const CellTree::Options& options, const TreeBase& base) {
  NJ_TRY(StartControlGroups());
  TopGroup top;
  top.frame.hierarchies = base.hierarchies;
  // Without a disk there is nothing to limit, and no group is made for it.
  if (options.disks.empty()) top.frame.hierarchies.io = {};
  const Hierarchies& h = top.frame.hierarchies;
  top.path = Join(base.members(), options.top);
  NJ_TRY(RefuseOwnTree(h, top.path));
  if (!h.v1_alone()) NJ_TRY(MakeUnifiedTop(options, base, top));
  top.frame.memory_top = Join(base.memory, options.top);
  top.frame.pids_top = Join(base.pids, options.top);
  top.frame.cpu_top = Join(base.cpu, options.top);
  top.frame.io_top = Join(base.io, options.top);
  top.frame.cpuacct_top = Join(base.cpuacct, options.top);
  top.frame.freezer_top = Join(base.freezer, options.top);
  NJ_TRY(MakeV1Tops(top));
  // The storage writer of a supervisor that was killed has traces to seal, and ends by itself.
  if (top.dirs.unified.valid())
    AwaitEmptyGroup(top.dirs.unified, kHelpers, bounds::kLastHelpersWait);
  // The lock is held: what is below belongs to nobody alive.
  if (Status cleared = ClearGroups(top.dirs, "", bounds::kCellClearWait); !cleared)
    LogWarning("leftover_cells", {{"group", top.path}, {"error", cleared.error().ToString()}});
  CountChildren(top.dirs);
  top.frame.swap = FindSwapAccounting(h, top.dirs);
  top.frame.disks = LimitedDisks(options.disks, h.io, top.dirs);
  if (!h.v1_alone()) NJ_TRY(MakeHelpers(options, top));
  for (const Fd* dir : top.dirs.all()) {
    if (!dir->valid()) continue;
    if (dir == &top.dirs.unified)
      NJ_TRY(GiveAway(*dir, {"cgroup.procs", "cgroup.threads", "cgroup.kill", "cgroup.freeze"},
                      options));
    else
      NJ_TRY(GiveAway(*dir, {}, options));
  }
  return top;
}

}  // namespace nightjar
