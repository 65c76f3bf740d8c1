#include "supervisor/cell/kernel_tree.h"

#include <fcntl.h>
#include <unistd.h>

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "ipc/core/ids.h"
#include "ipc/core/log.h"
#include "supervisor/cell/leftovers.h"

namespace nightjar {
namespace {

constexpr char kCanvasPrefix[] = "canvas-";

}  // namespace

KernelTree::KernelTree(TopGroup top)
    : top_(std::move(top)), description_(top_.frame.hierarchies.Describe()) {}

KernelTree::~KernelTree() {
  quarantine_.clear();
  for (auto& [name, canvas] : canvases_) {
    canvas->DropIdle();
    // A cell outside would point into a frame that is gone.
    CHECK(canvas.use_count() == 1);
  }
}

Result<std::shared_ptr<CanvasGroup>> KernelTree::CanvasFor(const std::string& canvas,
                                                           const CanvasLimits& limits) {
  if (!IsCanvasName(canvas)) return Fail(ErrorCode::kInvalid, "not a canvas name: " + canvas);
  auto at = canvases_.find(canvas);
  if (at == canvases_.end()) {
    NJ_ASSIGN(Group group,
              Group::MakeCanvas(top_.frame, top_.dirs, kCanvasPrefix + canvas, limits));
    at = canvases_.emplace(canvas, std::make_shared<CanvasGroup>(top_.frame, std::move(group)))
             .first;
  }
  NJ_TRY(at->second->SetLimits(limits));
  return at->second;
}

std::unique_ptr<KernelCell> KernelTree::Reuse(CanvasGroup& canvas, const CellLimits& limits) {
  while (auto cell = canvas.TakeIdle()) {
    Status ready = cell->Reuse(limits);
    if (ready) return cell;
    // A lower memory limit than what its last user left charged, for instance. Its destructor
    // leaves it to the sweep.
    LogWarning("cell_not_reused", {{"cell", cell->name()}, {"error", ready.error().ToString()}});
  }
  return nullptr;
}

Result<std::unique_ptr<Cell>> KernelTree::Acquire(const std::string& canvas,
                                                  const CanvasLimits& canvas_limits,
                                                  const CellLimits& limits, uint32_t uid) {
  NJ_ASSIGN(std::shared_ptr<CanvasGroup> group, CanvasFor(canvas, canvas_limits));
  std::unique_ptr<KernelCell> cell = Reuse(*group, limits);
  if (!cell) {
    NJ_ASSIGN(cell, KernelCell::Create(group, next_cell_++, limits, killer_));
  }
  cell->Lend(uid);
  return cell;
}

void KernelTree::Release(std::unique_ptr<Cell> cell) {
  auto* raw = dynamic_cast<KernelCell*>(cell.get());
  CHECK(raw != nullptr);
  cell.release();
  std::unique_ptr<KernelCell> mine(raw);
  mine->TakeBack();
  auto empty = mine->Empty();
  if (!empty || !*empty) {
    (void)mine->Kill();
    quarantine_.push_back(std::move(mine));
    return;
  }
  mine->ForgetUser();
  auto canvas = mine->canvas();
  canvas->Keep(std::move(mine));
}

void KernelTree::SweepQuarantine(size_t& budget) {
  std::erase_if(quarantine_, [&](std::unique_ptr<KernelCell>& cell) {
    auto empty = cell->Empty();
    if (!empty || !*empty) {
      (void)cell->Kill();
      return false;
    }
    if (budget == 0) return false;
    --budget;
    cell->ForgetUser();
    if (!cell->Remove()) return false;
    if (freed_) freed_(cell->name());
    return true;
  });
}

void KernelTree::Sweep() {
  size_t budget = bounds::kCellRemovalsPerSweep;
  SweepQuarantine(budget);
  for (auto at = canvases_.begin(); at != canvases_.end();) {
    CanvasGroup& canvas = *at->second;
    canvas.Sweep(budget);
    if (canvas.Expired() && budget > 0 && at->second.use_count() == 1) {
      --budget;
      if (RemoveGroup(top_.dirs, canvas.group().path())) {
        at = canvases_.erase(at);
        continue;
      }
    }
    ++at;
  }
}

void KernelTree::RemoveAll() {
  if (Status cleared = ClearGroups(top_.dirs, kCanvasPrefix, bounds::kCellStopWait); !cleared)
    LogWarning("cells_not_removed", {{"group", top_.path}, {"error", cleared.error().ToString()}});
  const TreeFrame& frame = top_.frame;
  const Hierarchies& h = frame.hierarchies;
  if (!h.v1_alone()) {
    // Busy while a helper lives; whoever started it ends it.
    (void)unlinkat(top_.dirs.unified.get(), "helpers", AT_REMOVEDIR);
    (void)rmdir((h.unified_mount + "/" + frame.unified_top).c_str());
  }
  auto remove = [](const ControllerPlace& place, const std::string& top) {
    if (place.home == ControllerHome::kV1) (void)rmdir((place.mount + "/" + top).c_str());
  };
  remove(h.memory, frame.memory_top);
  remove(h.pids, frame.pids_top);
  remove(h.cpu, frame.cpu_top);
  remove(h.io, frame.io_top);
  remove(h.cpuacct, frame.cpuacct_top);
  remove(h.freezer, frame.freezer_top);
}

std::vector<CellDoor> KernelTree::HelperDoors() const {
  if (!top_.helpers.valid()) return {};
  return {{top_.helpers.get(), true}};
}

CellTree::Bounded KernelTree::bounds() const {
  const Hierarchies& h = top_.frame.hierarchies;
  return {h.memory.home != ControllerHome::kNone, h.pids.home != ControllerHome::kNone,
          !top_.frame.disks.empty()};
}

std::optional<std::vector<CellTree::CanvasCpu>> KernelTree::TakeCanvasCpu() {
  const Hierarchies& h = top_.frame.hierarchies;
  if (h.v1_alone() && h.cpuacct.home == ControllerHome::kNone) return std::nullopt;
  std::vector<CanvasCpu> taken;
  for (auto& [name, canvas] : canvases_)
    if (uint64_t cpu_us = canvas->TakeCpu(); cpu_us > 0) taken.push_back({name, cpu_us});
  return taken;
}

Result<CellUsage> KernelTree::CanvasUsage(const std::string& canvas) const {
  auto at = canvases_.find(canvas);
  if (at == canvases_.end()) return Fail(ErrorCode::kNotFound, "no group of canvas " + canvas);
  NJ_ASSIGN(CellCounters counters, CellCounters::Open(top_.frame, at->second->group().dirs()));
  return counters.Read();
}

}  // namespace nightjar
