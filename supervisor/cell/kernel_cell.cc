#include "supervisor/cell/kernel_cell.h"

#include <sstream>
#include <utility>

#include "ipc/core/bounds.h"
#include "supervisor/cell/pressure.h"

namespace nightjar {
namespace {

Result<std::unique_ptr<Members>> MembersOf(const GroupDirs& dirs, const UserKiller& killer) {
  if (dirs.unified.valid()) return UnifiedMembers(dirs);
  return V1Members(dirs, killer);
}

}  // namespace

Result<std::unique_ptr<KernelCell>> KernelCell::Create(std::shared_ptr<CanvasGroup> canvas,
                                                       uint64_t number, const CellLimits& limits,
                                                       const UserKiller& killer) {
  std::string path = canvas->group().path() + "/cell-" + std::to_string(number);
  NJ_ASSIGN(Group group, Group::MakeCell(canvas->frame(), canvas->group().dirs(), path, limits));
  auto members = MembersOf(group.dirs(), killer);
  if (!members) {
    canvas->Abandon("cell-" + std::to_string(number));
    return tl::unexpected<Error>(members.error());
  }
  // From here on its destructor leaves the directory to the canvas's sweep.
  std::unique_ptr<KernelCell> cell(
      new KernelCell(std::move(canvas), std::move(group), std::move(*members)));
  cell->reads_limited_ = limits.reads_limited;
  NJ_ASSIGN(cell->counters_, CellCounters::Open(cell->canvas_->frame(), cell->group_.dirs()));
  return cell;
}

KernelCell::~KernelCell() {
  TakeBack();
  if (std::exchange(disk_lifted_, false)) canvas_->RestoreDiskLimit();
  if (removed_) return;
  (void)Kill();
  canvas_->Abandon(DirectoryName());
}

std::string KernelCell::DirectoryName() const {
  return group_.path().substr(group_.path().rfind('/') + 1);
}

std::vector<CellDoor> KernelCell::doors() const {
  const GroupDirs& dirs = group_.dirs();
  const GroupDirs& canvas = canvas_->group().dirs();
  std::vector<CellDoor> doors;
  // A group that cgroup.kill was ever written to kills what is cloned into it: the kernel compares
  // its count of kills with that of the group that the clone is made from (kill_seq, cgroup.c of
  // Linux 6.14 and its stable branches). Entering is not a clone.
  if (dirs.unified.valid()) doors.push_back({dirs.unified.get(), !killed_});
  // A door costs every worker's start a little, so that this one is there only for whom it bounds.
  // It comes before the others: where it shares a hierarchy with one of them, the cell's group is
  // the last word.
  if (reads_limited_ && canvas.blkio_v1.valid()) doors.push_back({canvas.blkio_v1.get(), false});
  // The canvas's cpu group comes before the cell's cpuacct: where both are one hierarchy, as they
  // mostly are, the cell's group is below the canvas's and is the last word.
  for (const Fd* dir :
       {&dirs.memory_v1, &dirs.pids_v1, &canvas.cpu_v1, &dirs.cpuacct_v1, &dirs.freezer_v1})
    if (dir->valid()) doors.push_back({dir->get(), false});
  return doors;
}

Result<CellUsage> KernelCell::ReadUsage() const {
  NJ_ASSIGN(CellUsage usage, counters_.Read());
  usage.canvas_cells = canvas_->out();
  if (usage.oom_kills_host > 0 && canvas_->TimesMetMemory() > canvas_met_before_)
    usage.oom_kills_canvas = std::exchange(usage.oom_kills_host, 0);
  return usage;
}

Result<CellUsage> KernelCell::ReadEvidence() const {
  NJ_ASSIGN(CellUsage usage, ReadUsage());
  usage.canvas_braked = canvas_->Braked();
  return usage;
}

CellEvents KernelCell::ReadEvents() const {
  CellEvents events = counters_.ReadEvents();
  ReadHoldUps(group_.dirs(), canvas_->group().dirs(), &events);
  return events;
}

std::vector<int> KernelCell::Processes() const {
  const GroupDirs& dirs = group_.dirs();
  auto listed = ReadFileAt(dirs.unified.valid() ? dirs.unified.get() : dirs.members_v1(),
                           "cgroup.procs", bounds::kCellMembersRead);
  std::vector<int> found;
  if (!listed) return found;
  std::istringstream lines(*listed);
  // 0 is a process that this pid namespace does not see.
  for (int pid; lines >> pid;)
    if (pid > 0) found.push_back(pid);
  return found;
}

Status KernelCell::Freeze() {
  NJ_TRY(members_->Freeze());
  frozen_ = true;
  return {};
}

Status KernelCell::Thaw() {
  NJ_TRY(members_->Thaw());
  frozen_ = false;
  return {};
}

Status KernelCell::LiftCpuThrottle() {
  if (lifted_) return {};
  lifted_ = true;
  return canvas_->LiftCpuQuota();
}

Status KernelCell::LiftDiskThrottle() {
  if (disk_lifted_) return {};
  disk_lifted_ = true;
  return canvas_->LiftDiskLimit();
}

Status KernelCell::Kill() {
  killed_ = true;
  return members_->Kill();
}

Status KernelCell::Reuse(const CellLimits& limits) {
  if (frozen_) NJ_TRY(Thaw());
  NJ_TRY(group_.SetCell(canvas_->frame(), limits));
  reads_limited_ = limits.reads_limited;
  return counters_.Restart();
}

void KernelCell::Lend(uint32_t uid) {
  members_->SetUser(uid);
  lent_ = true;
  canvas_met_before_ = canvas_->times_met_memory();
  canvas_->CountOut();
}

void KernelCell::TakeBack() {
  if (std::exchange(lifted_, false)) canvas_->RestoreCpuQuota();
  if (std::exchange(lent_, false)) canvas_->CountBack();
}

void KernelCell::ForgetUser() {
  members_->SetUser(0);
  if (std::exchange(disk_lifted_, false)) canvas_->RestoreDiskLimit();
}

Status KernelCell::Remove() {
  NJ_TRY(canvas_->RemoveCell(DirectoryName()));
  removed_ = true;
  return {};
}

}  // namespace nightjar
