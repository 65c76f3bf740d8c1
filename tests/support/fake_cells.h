// Cells without a kernel: a test sets what a cell reports, and sees what was done to it.
//
// A FakeCell is empty until a test says otherwise; Kill() empties it (a kill that works) unless
// `immortal`. It has no events descriptor unless it is given one, as on a kernel without
// cgroup.events, so that watchers ask again by timer. One thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/cell/cell.h"

namespace nightjar {

class FakeCell final : public Cell {
 public:
  explicit FakeCell(std::string name) : name_(std::move(name)) {}

  CellUsage usage;
  CellEvents cell_events;
  std::vector<int> processes;
  bool empty = true;
  bool immortal = false;
  std::optional<Error> kill_error;
  std::optional<Error> read_error;  // of ReadUsage
  int events = -1;                  // the test's
  int kill_at = -1;                 // the test's: see kill_dir
  // Called first in each ReadUsage, and last in each Kill that worked.
  std::function<void()> on_read;
  std::function<void()> on_kill;
  // In the order of the calls: "freeze", "thaw", "lift", "lift disk", "kill".
  std::vector<std::string> done;

  const std::string& name() const override { return name_; }
  std::vector<CellDoor> doors() const override { return {}; }
  Result<CellUsage> ReadUsage() const override {
    if (on_read) on_read();
    if (read_error) return tl::unexpected<Error>(*read_error);
    CellUsage read = usage;
    read.canvas_braked = false;
    return read;
  }
  Result<CellUsage> ReadEvidence() const override {
    NJ_ASSIGN(CellUsage read, ReadUsage());
    read.canvas_braked = usage.canvas_braked;
    return read;
  }
  CellEvents ReadEvents() const override { return cell_events; }
  std::vector<int> Processes() const override { return processes; }
  Status Freeze() override { return Did("freeze"); }
  Status Thaw() override { return Did("thaw"); }
  Status LiftCpuThrottle() override { return Did("lift"); }
  Status LiftDiskThrottle() override { return Did("lift disk"); }
  Status Kill() override {
    done.push_back("kill");
    if (kill_error) return tl::unexpected<Error>(*kill_error);
    if (immortal) return {};
    empty = true;
    if (on_kill) on_kill();
    return {};
  }
  Result<bool> Empty() const override { return empty; }
  int events_fd() const override { return events; }
  int kill_dir() const override { return kill_at; }

 private:
  Status Did(const char* what) {
    done.push_back(what);
    return {};
  }

  std::string name_;
};

class FakeCellTree final : public CellTree {
 public:
  struct Lent {
    FakeCell* cell;  // dies when it is released, unless it is quarantined
    CanvasLimits canvas_limits;
    CellLimits limits;
    uint32_t uid;
  };
  std::map<std::string, Lent> lent;  // by the cell's name
  size_t acquired = 0;
  size_t released = 0;
  size_t sweeps = 0;
  std::optional<Error> acquire_error;  // every Acquire fails with it
  Bounded bounded{true, true};
  int kill_at = -1;  // of every cell
  std::function<void(const Cell&)> on_release;

  // Of the cell given out last.
  FakeCell& last() { return *lent.at(last_name_).cell; }

  Result<std::unique_ptr<Cell>> Acquire(const std::string& canvas,
                                        const CanvasLimits& canvas_limits, const CellLimits& limits,
                                        uint32_t uid) override {
    if (acquire_error) return tl::unexpected<Error>(*acquire_error);
    last_name_ = "canvas-" + canvas + "/cell-" + std::to_string(++acquired);
    auto cell = std::make_unique<FakeCell>(last_name_);
    cell->kill_at = kill_at;
    lent[last_name_] = {cell.get(), canvas_limits, limits, uid};
    return cell;
  }
  void Release(std::unique_ptr<Cell> cell) override {
    ++released;
    if (on_release) on_release(*cell);
    lent.erase(cell->name());
    if (!*cell->Empty()) quarantine_.push_back(std::move(cell));
  }
  void Sweep() override {
    ++sweeps;
    std::erase_if(quarantine_, [this](auto& cell) {
      if (!cell->Kill() || !*cell->Empty()) return false;
      if (freed_) freed_(cell->name());
      return true;
    });
  }
  size_t quarantined() const override { return quarantine_.size(); }
  FakeCell& quarantined_last() { return static_cast<FakeCell&>(*quarantine_.back()); }
  void OnFreed(std::function<void(const std::string&)> freed) override {
    freed_ = std::move(freed);
  }
  void RemoveAll() override { quarantine_.clear(); }
  std::vector<CellDoor> HelperDoors() const override { return {}; }
  bool NeedsUserKiller() const override { return false; }
  void SetUserKiller(UserKiller) override {}
  Bounded bounds() const override { return bounded; }
  Result<CellUsage> CanvasUsage(const std::string&) const override { return CellUsage{}; }
  const std::string& description() const override { return description_; }

 private:
  std::string last_name_;
  std::string description_ = "fake";
  std::vector<std::unique_ptr<Cell>> quarantine_;
  std::function<void(const std::string&)> freed_;
};

}  // namespace nightjar
