// The Cell of a real kernel. Made by KernelTree; see cell.h for what each method promises.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "supervisor/cell/canvas_group.h"
#include "supervisor/cell/cell.h"
#include "supervisor/cell/cell_counters.h"
#include "supervisor/cell/members.h"

namespace nightjar {

class KernelCell final : public Cell {
 public:
  static Result<std::unique_ptr<KernelCell>> Create(std::shared_ptr<CanvasGroup> canvas,
                                                    uint64_t number, const CellLimits& limits,
                                                    const UserKiller& killer);
  ~KernelCell() override;

  const std::string& name() const override { return group_.path(); }
  std::vector<CellDoor> doors() const override;
  Result<CellUsage> ReadUsage() const override;
  Result<CellUsage> ReadEvidence() const override;
  CellEvents ReadEvents() const override;
  std::vector<int> Processes() const override;
  Status Freeze() override;
  Status Thaw() override;
  Status LiftCpuThrottle() override;
  Status LiftDiskThrottle() override;
  Status Kill() override;
  Result<bool> Empty() const override { return members_->Empty(); }
  int events_fd() const override { return members_->events_fd(); }
  int kill_dir() const override { return group_.dirs().unified.get(); }

  const std::shared_ptr<CanvasGroup>& canvas() const { return canvas_; }
  // Ready for the next worker of the same canvas. An error means that it is not fit for use any
  // more.
  Status Reuse(const CellLimits& limits);
  // To a worker with that user id, and back from one that is gone or given up: then what was done
  // to the canvas on its behalf ends.
  void Lend(uint32_t uid);
  void TakeBack();
  // It was seen to be empty: its user's id may be somebody else's from now on, and nobody in it
  // waits for a disk.
  void ForgetUser();
  // After it the object only waits for its destruction. kInternal with sys EBUSY while something is
  // in it.
  Status Remove();

 private:
  KernelCell(std::shared_ptr<CanvasGroup> canvas, Group group, std::unique_ptr<Members> members)
      : canvas_(std::move(canvas)), group_(std::move(group)), members_(std::move(members)) {}

  std::string DirectoryName() const;

  std::shared_ptr<CanvasGroup> canvas_;
  Group group_;
  std::unique_ptr<Members> members_;
  CellCounters counters_;
  uint64_t canvas_met_before_ =
      0;  // how often the canvas had met its memory limit when it was lent
  bool reads_limited_ = false;
  bool frozen_ = false;
  bool killed_ = false;  // ever: see doors()
  bool lifted_ = false;
  bool disk_lifted_ = false;
  bool lent_ = false;
  bool removed_ = false;
};

}  // namespace nightjar
