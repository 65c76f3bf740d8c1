// The CellTree of a real kernel: a map of canvases, their reserves of emptied cells, and the
// quarantine. See cell.h for the contract.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "supervisor/cell/kernel_cell.h"
#include "supervisor/cell/top_group.h"

namespace nightjar {

class KernelTree final : public CellTree {
 public:
  explicit KernelTree(TopGroup top);
  ~KernelTree() override;

  Result<std::unique_ptr<Cell>> Acquire(const std::string& canvas,
                                        const CanvasLimits& canvas_limits, const CellLimits& limits,
                                        uint32_t uid) override;
  void Release(std::unique_ptr<Cell> cell) override;
  void Sweep() override;
  size_t quarantined() const override { return quarantine_.size(); }
  void OnFreed(std::function<void(const std::string&)> freed) override {
    freed_ = std::move(freed);
  }
  void RemoveAll() override;
  std::vector<CellDoor> HelperDoors() const override;
  bool NeedsUserKiller() const override { return top_.frame.hierarchies.v1_alone(); }
  void SetUserKiller(UserKiller killer) override { killer_ = std::move(killer); }
  Result<CellUsage> CanvasUsage(const std::string& canvas) const override;
  std::optional<std::vector<CanvasCpu>> TakeCanvasCpu() override;
  Bounded bounds() const override;
  const std::string& description() const override { return description_; }

 private:
  Result<std::shared_ptr<CanvasGroup>> CanvasFor(const std::string& canvas,
                                                 const CanvasLimits& limits);
  // An idle cell made fit for these limits; null when there is none.
  std::unique_ptr<KernelCell> Reuse(CanvasGroup& canvas, const CellLimits& limits);
  void SweepQuarantine(size_t& budget);

  TopGroup top_;
  UserKiller killer_;  // cells refer to it
  std::string description_;
  std::map<std::string, std::shared_ptr<CanvasGroup>, std::less<>> canvases_;
  std::vector<std::unique_ptr<KernelCell>> quarantine_;
  std::function<void(const std::string&)> freed_;
  uint64_t next_cell_ = 1;
};

}  // namespace nightjar
