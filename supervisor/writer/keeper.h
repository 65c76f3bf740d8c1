// Lets traces go when their time is over, and keeps those that stay: the last ten of each handler,
// and what operators hold.
//
// A round does all that is due: it copies what is in a slot of the ring still after three days,
// empties the slots of handlers that were removed, and drops days that are over. What it does is
// done again after a crash anywhere in it, and nothing is dropped before what stays of it is kept,
// however long no round was made. Nothing is searched: a round costs what it changes. It runs on a
// thread of its own, because copies may be far away, and asks the archive's thread for rows.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "ipc/core/clock.h"
#include "supervisor/writer/archive.h"

namespace nightjar {

class Keeper {
 public:
  // Runs the call on the archive's thread and waits for its end. False: it will not run.
  using OnArchive = std::function<bool(const std::function<void(Archive&)>&)>;
  // `objects` and `clock` outlive the keeper.
  Keeper(ObjectStore& objects, OnArchive on_archive, const Clock& clock);

  // The first error, after all has been tried that does not depend on it.
  Status Round();

  // kNotFound, kExpired: there is no such trace (any more); kInvalid: there is nothing of it but
  // its row; kExists: it is held.
  Result<proto::Hold> Hold(const proto::HoldTrace& order);
  // What did hold. kNotFound.
  Result<proto::Hold> Release(const proto::ReleaseTrace& order);

  // Errors as of Hold(); kExists: it is held. From then on it is gone for everybody; what of it
  // cannot be erased at once (the answer says so), rounds erase.
  Result<proto::TraceDeleted> Delete(const proto::DeleteTrace& order);

  // Rounds end early from now on. Any thread.
  void Stop() { stopping_ = true; }

 private:
  struct Keeping {
    RingSlot slot;
    std::optional<IndexedTrace> trace;  // nullopt: it is nowhere
    std::vector<IndexedTrace> patches;  // its own
    std::vector<IndexedTrace> stale;    // of the run that the slot had kept before
  };
  template <typename T>
  Result<T> Ask(const std::function<Result<T>(Archive&)>& question);
  Status Change(const std::function<Status(TraceIndex&)>& change);

  Status KeepDue();
  Status Keep(Keeping& keeping);
  Status CopyPatches(const std::vector<IndexedTrace>& patches, const std::string& base_key);
  static Result<Keeping> FindForSlot(TraceIndex& index, const RingSlot& slot);
  static Status MarkKept(TraceIndex& index, const Keeping& kept);
  Status EmptySlot(const std::string& kept_key);
  Status HoldPatches(const std::string& canvas, const RunId& run, TracePatches::Place from);
  Status RemoveLeftovers();
  Status FinishErasures();
  Status Erase(const TraceDeletions::Erasure& erasure);
  Status EmptyRemoved();
  Status Expire();
  Result<TraceDay> DropDays();
  Status CopyFrom(const std::string& canvas, const RunId& run, const IndexedTrace& trace,
                  const std::string& to);
  Status CopyOne(const RunId& run, const std::string& from, const std::string& to);
  Status CopyEvidence(const std::string& canvas, const RunId& run, const IndexedTrace& trace,
                      const std::string& to);
  Status RemoveEvidence(const TraceHolds::Leftover& leftover);

  ObjectStore& objects_;
  const OnArchive on_archive_;
  const Clock& clock_;
  std::atomic<bool> stopping_{false};
};

}  // namespace nightjar
