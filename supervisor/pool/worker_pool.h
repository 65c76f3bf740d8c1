// Lends armed workers to runs: sealed, with the canvas's program loaded, waiting in a cell of that
// canvas.
//
// While a canvas is active, `armed` workers (policy) wait for it; after `idle` without a request
// they are let go, so that an idle canvas costs no process. A new revision replaces what waits. A
// worker serves `reuse` runs of one canvas, then ends; by default one. Requests that find no worker
// wait in order; the bound on that queue is admission's. While a zygote is being restarted, they
// wait for it as they do for a worker.
//
// Where more is to be started than can be at once (its zygote is busy, or every user id is taken),
// each start goes to the canvas that has least for its weight, in turns to one whose request waits
// and to one whose reserve is not full; on a machine that is full, workers that nobody waits for
// give their places up. Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "supervisor/pool/resident.h"
#include "supervisor/pool/worker_factory.h"

namespace nightjar {

class WorkerPool {
 public:
  // A canvas's own limits, without a handler's, under the policy that is in force. Asked when the
  // pool first hears of a canvas, when it gets a new revision, and in PolicyChanged().
  using LimitsOf = std::function<policy::Limits(const std::string& canvas)>;
  WorkerPool(Loop& loop, const Clock& clock, WorkerFactory& factory, LimitsOf limits_of);
  ~WorkerPool();

  // One place in a canvas's queue. Destroying the ticket leaves the queue.
  class Ticket;
  using Lent = std::function<void(Result<Worker*>)>;
  // `limits` are the handler's. `lent` is called once, possibly before Lend() returns: with an
  // armed worker of exactly this engine, this revision and these cell limits, whose user the caller
  // sets at once; or with the reason why there is none.
  std::shared_ptr<Ticket> Lend(RevisionPtr revision, proto::EngineKind engine,
                               const policy::Limits& limits, Lent lent);
  // Leaves the queue; `lent` will not be called.
  void Cancel(const std::shared_ptr<Ticket>& ticket);

  // A healthy worker after its run: kept for the next one while `reuse` allows, else ended.
  void GiveBack(Worker* worker, const policy::Limits& limits);
  // The worker ended in the borrower's hands; its OnGone came.
  void Gone(Worker* worker, const Death& death);

  // The canvas's new revision is in force: what waits with an older one is ended and replaced.
  void Refresh(const RevisionPtr& revision);
  // Another policy is in force: what waits with limits that are not its canvas's any more is ended
  // and replaced.
  void PolicyChanged();
  // The same for one canvas, where nobody else's limits are others.
  void PolicyChanged(const std::string& canvas);
  // Lets idle canvases' workers go, and what a rush left beyond the reserve. Call every second or
  // so.
  void Sweep();
  // A zygote is there, for the first time or again.
  void ZygoteReady();
  // No more arming; what waits is ended.
  void Close();

  struct Counts {
    size_t armed = 0;
    size_t starting = 0;
    size_t lent = 0;
    size_t waiting = 0;
  };
  Counts CountsOf(const std::string& canvas) const;

 private:
  struct Canvas;
  Canvas& Of(const std::string& name);
  void FillLater(const std::string& name);
  void Fill(Canvas& canvas);
  struct Unserved {
    std::vector<std::shared_ptr<Ticket>> tickets;
    size_t spare = 0;  // of those that are starting already, how many nobody waits for
  };
  Unserved UnservedOf(const Canvas& canvas) const;
  bool LacksReserve(const Canvas& canvas) const;
  // A canvas that may have something to be started with this engine.
  struct Want {
    Canvas* canvas;
    proto::EngineKind engine;
    bool operator==(const Want&) const = default;
  };
  using Line = std::vector<Want>;
  void ShareLater();
  void Share();
  // The one that is next in the line; false when there is none.
  bool StartNext(Line& line);
  bool StartForWaiting(const Want& want);
  bool StartReserve(const Want& want);
  void MakeRoom();
  void EndOutdated(Canvas& canvas);
  void LimitsChanged(Canvas& canvas);
  void EndOneSurplus(Canvas& canvas);
  Status StartOne(Canvas& canvas, const RevisionPtr& revision, proto::EngineKind engine,
                  const policy::Limits& limits);
  Resident& House(Canvas& canvas, const RevisionPtr& revision);
  void OnArmed(Canvas& canvas, Resident* resident);
  void OnGone(Canvas& canvas, Resident* resident, const std::string& why, const Death& death);
  // How much of limit `concurrency` is taken.
  size_t Busy(const Canvas& canvas) const;
  // Hands armed workers to those who wait, as far as limit `concurrency` goes.
  void Serve(Canvas& canvas);
  // Hands an armed resident's worker to the first ticket that it fits; false when there is none.
  bool HandOut(Canvas& canvas, Resident* resident);
  void Evict(Canvas& canvas, Resident* resident);

  Loop& loop_;
  const Clock& clock_;
  WorkerFactory& factory_;
  LimitsOf limits_of_;
  bool closed_ = false;
  Line waiting_;   // whose requests may wait for a start, in the order in which they began to
  Line reserves_;  // whose reserve may not be full, likewise
  bool reserve_next_ = false;
  bool share_posted_ = false;
  std::map<std::string, std::unique_ptr<Canvas>> canvases_;
  std::shared_ptr<bool> alive_ =
      std::make_shared<bool>(true);  // for tasks that were posted and outlive the pool
};

}  // namespace nightjar
