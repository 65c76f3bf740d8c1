#include "supervisor/cell/kernel_cell.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace nightjar {

Result<std::unique_ptr<KernelCell>> KernelCell::Create(std::shared_ptr<CanvasGroup> canvas,
                                                       uint64_t number, const CellLimits& limits) {
  std::string path = canvas->group().path() + "/cell-" + std::to_string(number);
  NJ_ASSIGN(Group group, Group::MakeCell(canvas->frame(), canvas->group().dirs(), path, limits));
  // From here on its destructor leaves the directory to the canvas's sweep.
  std::unique_ptr<KernelCell> cell(new KernelCell(std::move(canvas), std::move(group)));
  const GroupDirs& dirs = cell->group_.dirs();
  cell->events_ = Fd(openat(dirs.unified.get(), "cgroup.events", O_RDONLY | O_CLOEXEC));
  if (!cell->events_.valid()) return FailErrno("opening cgroup.events of " + path);
  NJ_ASSIGN(cell->counters_, CellCounters::Open(cell->canvas_->frame(), dirs));
  return cell;
}

KernelCell::~KernelCell() {
  TakeBack();
  if (removed_) return;
  (void)Kill();
  canvas_->Abandon(DirectoryName());
}

std::string KernelCell::DirectoryName() const {
  return group_.path().substr(group_.path().rfind('/') + 1);
}

std::vector<CellDoor> KernelCell::doors() const {
  const GroupDirs& dirs = group_.dirs();
  // A group that cgroup.kill was ever written to kills what is cloned into it: the kernel compares
  // its count of kills with that of the group that the clone is made from (kill_seq, cgroup.c of
  // Linux 6.14 and its stable branches). Entering is not a clone.
  std::vector<CellDoor> doors{{dirs.unified.get(), !killed_}};
  if (dirs.memory_v1.valid()) doors.push_back({dirs.memory_v1.get(), false});
  if (dirs.pids_v1.valid()) doors.push_back({dirs.pids_v1.get(), false});
  const GroupDirs& canvas = canvas_->group().dirs();
  if (canvas.cpu_v1.valid()) doors.push_back({canvas.cpu_v1.get(), false});
  return doors;
}

Status KernelCell::Freeze() {
  NJ_TRY(WriteFileAt(group_.dirs().unified.get(), "cgroup.freeze", "1"));
  frozen_ = true;
  return {};
}

Status KernelCell::Thaw() {
  NJ_TRY(WriteFileAt(group_.dirs().unified.get(), "cgroup.freeze", "0"));
  frozen_ = false;
  return {};
}

Status KernelCell::LiftCpuThrottle() {
  if (lifted_) return {};
  lifted_ = true;
  return canvas_->LiftCpuQuota();
}

Status KernelCell::Kill() {
  killed_ = true;
  return WriteFileAt(group_.dirs().unified.get(), "cgroup.kill", "1");
}

Result<bool> KernelCell::Empty() const {
  char text[128];
  ssize_t got = pread(events_.get(), text, sizeof text, 0);
  if (got < 0) return FailErrno("reading cgroup.events of " + name());
  return CounterIn({text, static_cast<size_t>(got)}, "populated") == 0;
}

Status KernelCell::Reuse(const CellLimits& limits) {
  if (frozen_) NJ_TRY(Thaw());
  NJ_TRY(group_.SetCell(canvas_->frame(), limits));
  return counters_.Restart();
}

void KernelCell::Lend() {
  lent_ = true;
  canvas_->CountOut();
}

void KernelCell::TakeBack() {
  if (std::exchange(lifted_, false)) canvas_->RestoreCpuQuota();
  if (std::exchange(lent_, false)) canvas_->CountBack();
}

Status KernelCell::Remove() {
  NJ_TRY(RemoveGroup(canvas_->group().dirs(), DirectoryName()));
  removed_ = true;
  return {};
}

}  // namespace nightjar
