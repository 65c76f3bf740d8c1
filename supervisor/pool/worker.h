// One worker process as the supervisor sees it: its cell, its ring, its control channel, its life
// and its death.
//
// It passes on what the worker says and does not know what a run is. Whatever breaks the contract
// of the channel (a packet that does not parse, a message out of order is the user's to judge) is
// reported as kBroken, and the user kills; so it does for a denied system call. The user is told
// `gone` exactly once, after the process was reaped and the cell is empty (or quarantined); then
// the worker may be destroyed. Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ipc/core/ids.h"
#include "ipc/wire/channel.h"
#include "supervisor/canvas/revision.h"
#include "supervisor/cell/cell.h"
#include "supervisor/proc/zygote_client.h"
#include "supervisor/watch/denial_watch.h"
#include "supervisor/watch/reaper.h"

namespace nightjar {

// Who uses a worker at the moment: the pool while it is being made ready, a run while it runs.
class WorkerUser {
 public:
  virtual ~WorkerUser() = default;
  virtual void OnMessage(proto::FromWorker message, std::vector<Fd> fds) = 0;
  // The worker broke the contract of its channel; `why` is for the operator. It is still alive.
  virtual void OnBroken(const std::string& why) = 0;
  // It made a system call that its profile does not allow, and is stuck in it. What it said before
  // came first. Once.
  virtual void OnDenied(const DeniedCall& call) = 0;
  // The last call. The worker object still stands, its process does not.
  virtual void OnGone(const Death& death) = 0;
};

class Worker {
 public:
  struct Parts {
    WorkerId id = 0;
    std::string canvas;
    uint32_t uid = 0;
    CellLimits cell_limits;
    uint64_t cpu_seconds_max = 0;  // the kernel's own cpu limit for its whole life
    proto::EngineKind engine = proto::ENGINE_DARK;
    uint64_t tmp_bytes = 0;  // these two are of ENGINE_EXEC only
    policy::Names denied_calls;
    std::unique_ptr<Cell> cell;
    Fd ring;
    Fd control;  // our end
  };
  Worker(Loop& loop, const Clock& clock, Parts parts);
  ~Worker();

  // The zygote made the process.
  void Born(SpawnedProcess process);
  // Or could not: its user is told that it is gone.
  void NeverBorn(const Death& death);
  void SetUser(WorkerUser* user) { user_ = user; }  // not owned; null: nobody listens any more

  // Somebody else saw it break a contract; its user decides, as if it had been seen here.
  void Broke(const std::string& why);

  Status Send(const proto::ToWorker& message, std::initializer_list<int> fds = {});
  void Kill(Reaper::Sample sample) { reaper_.Kill(sample); }
  bool dying() const { return reaper_.dying(); }

  WorkerId id() const { return parts_.id; }
  const std::string& canvas() const { return parts_.canvas; }
  uint32_t uid() const { return parts_.uid; }
  int pid() const { return child_ ? child_->pid() : 0; }
  Cell& cell() { return *parts_.cell; }
  const CellLimits& cell_limits() const { return parts_.cell_limits; }
  uint64_t cpu_seconds_max() const { return parts_.cpu_seconds_max; }
  proto::EngineKind engine() const { return parts_.engine; }
  uint64_t tmp_bytes() const { return parts_.tmp_bytes; }
  const policy::Names& denied_calls() const { return parts_.denied_calls; }
  const Fd& ring() const { return parts_.ring; }
  struct Traced {
    uint64_t events = 0;  // dropped ones included
    uint64_t bytes = 0;
    uint64_t dropped = 0;
  };
  // How far its ring says that it came with this run; nothing where it says nothing of it.
  Traced TracedOf(const RunId& run) const;
  // Takes the cell out, for its way back to the tree; after OnGone only.
  std::unique_ptr<Cell> TakeCell() { return std::move(parts_.cell); }

  // What it holds, once armed.
  RevisionPtr revision;
  uint64_t runs = 0;
  // The cell's counters when it became free for a run: what came before is not that run's.
  CellUsage usage_before_run;

 private:
  void OnReadable();
  bool OnSealed(std::vector<Fd> fds);  // false: it broke the contract
  void OnDenied(Result<DeniedCall> call);
  void OnReaped(const Death& death);

  Loop& loop_;
  Parts parts_;
  Channel channel_;
  FdWatch readable_;
  Reaper reaper_;
  std::unique_ptr<Child> child_;
  bool sealed_ = false;                   // it said so, or which wall does not stand
  std::unique_ptr<DenialWatch> denials_;  // null: the kernel kills for denied calls, and names none
  WorkerUser* user_ = nullptr;
};

}  // namespace nightjar
