// Cells without control groups, for an ordinary user to whom none were delegated: what there is of
// a cell is that its processes have a user and a pid namespace of their own.
//
// Killing is the UserKiller's, usage is read from /proc, and limits are each process's own
// (Bounds()): the tree sees that memory is over its limit only when somebody asks. Nothing is
// shared out between canvases. `nightjar doctor` says all that. Loop thread only.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "supervisor/cell/cell.h"

namespace nightjar {

class ProcessTree final : public CellTree {
 public:
  ProcessTree();
  ~ProcessTree() override;

  Result<std::unique_ptr<Cell>> Acquire(const std::string& canvas, const CanvasLimits&,
                                        const CellLimits& limits, uint32_t uid) override;
  void Release(std::unique_ptr<Cell> cell) override;
  void Sweep() override;
  size_t quarantined() const override { return quarantine_.size(); }
  void OnFreed(std::function<void(const std::string&)> freed) override {
    freed_ = std::move(freed);
  }
  void RemoveAll() override {}
  std::vector<CellDoor> HelperDoors() const override { return {}; }
  bool NeedsUserKiller() const override { return true; }
  void SetUserKiller(UserKiller killer) override { killer_ = std::move(killer); }
  Bounded bounds() const override { return {}; }
  Result<CellUsage> CanvasUsage(const std::string& canvas) const override;
  const std::string& description() const override { return description_; }

 private:
  class ProcessCell;

  UserKiller killer_;
  std::map<std::string, CellUsage>
      ended_;  // by canvas: what its cells have used that were released
  std::vector<std::unique_ptr<ProcessCell>> quarantine_;
  std::function<void(const std::string&)> freed_;
  std::vector<ProcessCell*> live_;
  uint64_t next_cell_ = 1;
  const std::string description_ = "none";
};

}  // namespace nightjar
