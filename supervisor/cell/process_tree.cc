#include "supervisor/cell/process_tree.h"

#include <poll.h>

#include <algorithm>

#include "ipc/core/check.h"
#include "ipc/core/fd.h"
#include "ipc/core/pidfd.h"
#include "supervisor/cell/process_usage.h"

namespace nightjar {

class ProcessTree::ProcessCell final : public Cell {
 public:
  ProcessCell(const ProcessTree& tree, std::string canvas, uint64_t number,
              const CellLimits& limits, uint32_t uid)
      : tree_(tree),
        canvas_(std::move(canvas)),
        name_("canvas-" + canvas_ + "/cell-" + std::to_string(number)),
        limits_(limits),
        uid_(uid) {}

  const std::string& canvas() const { return canvas_; }
  const std::string& name() const override { return name_; }
  std::vector<CellDoor> doors() const override { return {}; }

  void Settle(const Fd& pidfd) override {
    auto copy = pidfd.Duplicate();
    if (!copy) return;
    first_ = std::move(*copy);
    pid_ = NumberOf(first_);
    // What the zygote shares with it is not its own.
    inherited_bytes_ = UsageOfTree(pid_).memory_bytes;
  }

  Result<CellUsage> ReadUsage() const override {
    ProcessUsage now = UsageOfTree(pid_);
    // Whoever ended takes its share along until it is waited for.
    used_.cpu_us = std::max(used_.cpu_us, now.cpu_us);
    used_.memory_bytes = now.memory_bytes - std::min(now.memory_bytes, inherited_bytes_);
    used_.memory_peak_bytes = std::max(used_.memory_peak_bytes, used_.memory_bytes);
    used_.pids = now.processes;
    used_.pids_peak = std::max(used_.pids_peak, used_.pids);
    // No kernel kills at this limit, so whoever asks is told as if one had.
    if (limits_.memory_bytes != 0 && used_.memory_bytes > limits_.memory_bytes) used_.oom_kills = 1;
    return used_;
  }

  Result<CellUsage> ReadEvidence() const override { return ReadUsage(); }
  std::vector<int> Processes() const override { return ProcessesOfTree(pid_); }

  Status Freeze() override { return {}; }
  Status Thaw() override { return {}; }
  Status LiftCpuThrottle() override { return {}; }
  Status LiftDiskThrottle() override { return {}; }

  Status Kill() override {
    NJ_ASSIGN(ticket_, tree_.killer_.kill(uid_));
    return {};
  }

  // Its first process is waited for by the kernel's own rule after all others of its namespace.
  Result<bool> Empty() const override {
    if (tree_.killer_.done() < ticket_) return false;
    if (!first_.valid()) return true;
    pollfd ended{first_.get(), POLLIN, 0};
    return poll(&ended, 1, 0) == 1;
  }
  int events_fd() const override { return -1; }

 private:
  const ProcessTree& tree_;
  const std::string canvas_;
  const std::string name_;
  const CellLimits limits_;
  const uint32_t uid_;
  Fd first_;  // the worker; invalid until it is born
  int pid_ = 0;
  uint64_t inherited_bytes_ = 0;
  uint64_t ticket_ = 0;  // of the last kill
  mutable CellUsage used_;
};

ProcessTree::ProcessTree() = default;
ProcessTree::~ProcessTree() = default;

Result<std::unique_ptr<Cell>> ProcessTree::Acquire(const std::string& canvas, const CanvasLimits&,
                                                   const CellLimits& limits, uint32_t uid) {
  auto cell = std::make_unique<ProcessCell>(*this, canvas, next_cell_++, limits, uid);
  live_.push_back(cell.get());
  return cell;
}

void ProcessTree::Release(std::unique_ptr<Cell> cell) {
  auto* raw = dynamic_cast<ProcessCell*>(cell.get());
  CHECK(raw != nullptr);
  cell.release();
  std::unique_ptr<ProcessCell> mine(raw);
  std::erase(live_, raw);
  CellUsage& ended = ended_[mine->canvas()];
  if (auto used = mine->ReadUsage()) {
    ended.cpu_us += used->cpu_us;
    ended.memory_peak_bytes = std::max(ended.memory_peak_bytes, used->memory_peak_bytes);
    ended.pids_peak = std::max(ended.pids_peak, used->pids_peak);
    ended.oom_kills += used->oom_kills;
  }
  auto empty = mine->Empty();
  if (empty && *empty) return;
  (void)mine->Kill();
  quarantine_.push_back(std::move(mine));
}

void ProcessTree::Sweep() {
  std::erase_if(quarantine_, [this](const std::unique_ptr<ProcessCell>& cell) {
    auto empty = cell->Empty();
    if (!empty || !*empty) {
      (void)cell->Kill();
      return false;
    }
    if (freed_) freed_(cell->name());
    return true;
  });
}

Result<CellUsage> ProcessTree::CanvasUsage(const std::string& canvas) const {
  CellUsage sum;
  if (auto at = ended_.find(canvas); at != ended_.end()) sum = at->second;
  for (const ProcessCell* cell : live_) {
    if (cell->canvas() != canvas) continue;
    NJ_ASSIGN(CellUsage used, cell->ReadUsage());
    sum.cpu_us += used.cpu_us;
    sum.memory_bytes += used.memory_bytes;
    sum.memory_peak_bytes = std::max(sum.memory_peak_bytes, used.memory_peak_bytes);
    sum.pids += used.pids;
    sum.oom_kills += used.oom_kills;
  }
  return sum;
}

}  // namespace nightjar
