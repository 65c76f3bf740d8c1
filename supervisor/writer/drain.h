// All rings and all open runs: events come in while runs go on, sealed traces come out when they
// end.
//
// It has no timer and no disk: the service calls Turn() while busy(), and stores what End()
// returns. What the supervisor says is believed, what rings say is not. Single thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ipc/core/clock.h"
#include "supervisor/writer/archive.h"
#include "supervisor/writer/sealing.h"
#include "supervisor/writer/worker_ring.h"

namespace nightjar {

class Drain {
 public:
  explicit Drain(const Clock& clock) : clock_(clock) {}  // outlives the drain

  Status Attach(WorkerId worker, std::string canvas, const Fd& ring,
                RingBegins begins = RingBegins::kWithARun);
  void Detach(WorkerId worker);
  Status Begin(proto::RunBegan began);
  // kInvalid: the message names no run.
  Result<SealedRun> End(proto::RunEnded ended);
  // A run that a supervisor before this one left: there is no ring of it any more.
  Result<SealedRun> EndLeft(proto::RunLeft left);
  // The supervisor is gone: every open run ends with it, but for those whose ends are `known`.
  // These are stored unless they were.
  std::vector<SealedRun> EndAll(std::map<RunId, proto::RunEnded> known = {});

  // The run is stored, or given up: its events need not stay in the ring.
  void Free(const RingMark& mark);

  // Takes a bounded amount out of the rings of open runs, fairly. Returns how much; kDrainTurnBytes
  // or more: there may be more right now.
  size_t Turn();
  // Rings that broke their contract since the last call: each is named once.
  std::vector<proto::RingCondemned> TakeCondemned() { return std::exchange(condemned_, {}); }
  // Some run is open on a ring.
  bool busy() const { return !busy_.empty(); }
  const OpenTraces& totals() const { return shared_; }

 private:
  SealedRun EndOnRing(WorkerId worker, WorkerRing& ring, const RunId& run, proto::RunEnded ended);
  SealedRun EndWithSupervisor(OpenTrace& trace, std::map<RunId, proto::RunEnded>& known,
                              const RingFacts& ring);
  void ForgetIfDone(WorkerId worker);
  void NoteCondemned(WorkerId worker, const WorkerRing& ring, bool before);

  const Clock& clock_;
  OpenTraces shared_;
  std::unordered_map<WorkerId, std::unique_ptr<WorkerRing>> rings_;
  std::map<WorkerId, WorkerRing*> busy_;  // those with open runs
  // Open runs of workers whose rings could not be attached: their traces are empty.
  std::unordered_map<RunId, std::unique_ptr<OpenTrace>> ringless_;
  std::vector<proto::RingCondemned> condemned_;
  WorkerId next_turn_ = 0;  // where the next turn begins
};

}  // namespace nightjar
