// Makes workers: cell, ring, socket, uid, then the zygote's fork. And takes them back when they are
// gone.
//
// Everything a worker needs is in force before its process exists. Loop thread only. Owns every
// live worker, so that a worker is never destroyed before its death is complete.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "ipc/core/bounds.h"
#include "policies/limits.h"
#include "supervisor/journal/journal.h"
#include "supervisor/pool/uid_range.h"
#include "supervisor/pool/worker.h"

namespace nightjar {

CellLimits CellLimitsOf(const policy::Limits& limits);
CanvasLimits CanvasLimitsOf(const policy::Limits& limits);
// The kernel's own cpu limit for the whole life of a worker with these limits. It is in whole
// seconds and only a backstop: it must never strike before the watchdog's.
uint64_t CpuBackstopSeconds(const policy::Limits& limits);

// One for each engine; outlive the factory.
struct Zygotes {
  ZygoteClient& dark;
  ZygoteClient& exec;

  ZygoteClient& Of(proto::EngineKind engine) { return engine == proto::ENGINE_EXEC ? exec : dark; }
};

class WorkerFactory {
 public:
  WorkerFactory(Loop& loop, const Clock& clock, CellTree& cells, Zygotes zygotes, Journal& journal,
                UidRange uids);
  ~WorkerFactory();

  // There is a zygote of this engine: while it is being restarted, Make() would fail.
  bool CanMake(proto::EngineKind engine) { return zygotes_.Of(engine).ready(); }
  // Its zygote was asked for as many as keep it busy (bounds::kStartsAtOnce): one more would only
  // stand behind them, whoever it is for. Whoever waits for that to end is told with `answered`,
  // from the loop, also when the zygote is lost.
  bool Busy(proto::EngineKind engine) { return asked_[engine] >= bounds::kStartsAtOnce; }
  void OnAnswered(std::function<void()> answered) { answered_ = std::move(answered); }
  // A new worker for this canvas, of this engine. `user` is told everything from now on: kSealed or
  // its failure comes as a message, and OnGone ends it, also when no process could be made (then
  // Death says exit code 127). An Error means that nothing was started.
  Result<Worker*> Make(const std::string& canvas, proto::EngineKind engine,
                       const policy::Limits& limits, WorkerUser* user);
  // After OnGone: the worker's uid and cell go back, and the object is destroyed in a later turn.
  // Those of a worker in quarantine go back when the last of its processes is gone after all.
  void Bury(Worker* worker, const Death& death);

  // The worker broke the contract of its ring. One that is gone already is no matter.
  void Broke(WorkerId worker, const std::string& why);

  size_t live() const { return workers_.size(); }
  // Every user id is taken: Make() would fail.
  bool full() const { return uids_.free() == 0; }
  // Workers of this canvas that were killed and do not die.
  size_t quarantined(const std::string& canvas) const;
  // User ids that are not used again: their worker may yet be born.
  size_t lost_uids() const { return lost_uids_; }
  // For a stop without patience.
  void KillAll();

 private:
  struct Quarantined {
    std::string canvas;
    uint32_t uid = 0;
  };
  void OnSpawned(WorkerId id, proto::EngineKind engine, Result<SpawnedProcess> process);
  void OnFreed(const std::string& cell);

  Loop& loop_;
  const Clock& clock_;
  CellTree& cells_;
  Zygotes zygotes_;
  Journal& journal_;
  UidRange uids_;
  std::map<proto::EngineKind, size_t> asked_;  // of its zygote, and not yet answered
  std::function<void()> answered_;
  std::map<std::string, Quarantined> quarantine_;  // by the cell's name
  size_t lost_uids_ = 0;
  WorkerId next_id_ = 1;
  std::unordered_map<WorkerId, std::unique_ptr<Worker>> workers_;
};

}  // namespace nightjar
