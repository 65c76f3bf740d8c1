// What is found without opening an object: the traces of the last days, the newest of each handler,
// those that are held, and the incidents whole.
//
// Rows are written in batches: the owner commits when Due() says so, or earlier. Queries see rows
// that are not committed yet. Run ids begin with the inverted time, so their order is newest first
// and every list is the beginning of a B-tree. A crash of the host may lose the newest rows. One
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/core/bounds.h"
#include "ipc/core/clock.h"
#include "ipc/core/ids.h"
#include "ipc/core/result.h"
#include "ipc/proto/control.pb.h"
#include "ipc/proto/writer.pb.h"
#include "supervisor/writer/incident_chain.h"
#include "supervisor/writer/incident_lists.h"
#include "supervisor/writer/sqlite.h"
#include "supervisor/writer/trace_accounts.h"
#include "supervisor/writer/trace_days.h"
#include "supervisor/writer/trace_deletions.h"
#include "supervisor/writer/trace_holds.h"
#include "supervisor/writer/trace_patches.h"
#include "supervisor/writer/trace_ring.h"

namespace nightjar {

class TraceIndex {
 public:
  static constexpr int kVersion = 5;  // of its file
  // `clock` outlives the index.
  static Result<std::unique_ptr<TraceIndex>> Create(const std::string& path, const Clock& clock);

  // Commits what is open.
  ~TraceIndex();

  // A run that is in there already is left alone.
  Status AddTrace(const IndexedTrace& trace);
  Status AddIncident(const proto::Incident& incident);

  // Its rows go, and what its objects are is written down for the keeper; inside of Write(). Errors
  // as of Get(); kExists: it is held.
  Result<std::vector<TraceDeletions::Erasure>> Delete(const RunId& run,
                                                      const proto::DeleteTrace& order);

  // Where a patch of this run belongs: in each place that the run has now. Errors as of Get().
  struct BasePlace {
    TracePatches::Place place;
    std::string base_key;
  };
  Result<std::vector<BasePlace>> PlacesOf(std::string_view canvas, const RunId& base);
  // Of a trace as Get() found it; oldest first.
  Result<std::vector<IndexedTrace>> PatchesOf(const IndexedTrace& found);
  // A patch, with its object where its base is now. Errors as of Get(), of the patch or its base.
  Result<IndexedTrace> GetPatch(std::string_view canvas, const RunId& patch);

  // Rows of these runs of `canvas` whose object is at the key beside them have it at `to` from now
  // on; those that have it elsewhere by now keep that, and of
  // those that were deleted meanwhile the object is to be relieved.
  struct Moved {
    RunId run;
    std::string from;
  };
  Status MoveObjects(std::string_view canvas, const std::vector<Moved>& moved, std::string_view to);

  // When the open batch must be committed; nullopt: nothing is open. In the past when the batch is
  // full.
  std::optional<MonoTime> Due() const;
  // On failure all rows of the batch are lost; the index goes on.
  Status Commit();

  // Changes something in the batch, wholly or not at all.
  Status Write(const std::function<Status()>& change);

  // Newest first, at most kListRows, found among so many.
  Result<proto::TraceList> List(const proto::ListTraces& question,
                                size_t looked_max = bounds::kListRowsLooked);
  // kNotFound; kDeleted; kExpired: the day of this id is over, whether there was such a trace or
  // not.
  Result<IndexedTrace> Get(std::string_view canvas, const RunId& run);
  // Runs of any canvas whose ids are in the range, with a trace or an incident; each once, the
  // newest first, at most `rows_max`.
  Result<std::vector<TraceDays::Found>> InRange(const RunRange& range, size_t rows_max);
  Result<proto::IncidentList> ListIncidents(const proto::ListIncidents& question) {
    return incidents_->List(question);
  }
  Result<proto::Incident> GetIncident(const RunId& run);
  IncidentChain& chain() { return *chain_; }
  IncidentLists& incidents() { return *incidents_; }
  TraceDays& days() { return days_; }
  TraceRing& ring() { return *ring_; }
  TraceHolds& holds() { return *holds_; }
  TraceAccounts& accounts() { return *accounts_; }
  TraceDeletions& deletions() { return *deletions_; }
  TracePatches& patches() { return *patches_; }
  TraceOutbox& outbox() { return outbox_; }
  // Whether what changes is written down for an index that machines share. Durable.
  Status SetOutbox(bool on);
  // Called whenever something was committed, on this thread.
  void OnCommitted(std::function<void()> committed) { committed_ = std::move(committed); }

 private:
  TraceIndex(std::unique_ptr<Database> db, const Clock& clock)
      : db_(std::move(db)), clock_(clock), outbox_(*db_), days_(*db_, outbox_) {}
  Status PrepareAll();
  Status TakeOverOldTraces();
  Status TakeOver(Statement& old, uint64_t* taken, uint64_t* damaged);
  Status OpenBatch();
  Status Insert(const RunId& run, const IndexedTrace& trace);
  Status LinkIncident(const RunId& run, const proto::Incident& incident);
  using Erasures = std::vector<TraceDeletions::Erasure>;
  Status AddSlots(const RunId& run, const proto::TraceRow& row, Erasures* erasures);
  tl::unexpected<Error> Missing(std::string_view canvas, const RunId& run);
  Result<std::vector<IndexedTrace>> Outlived(const proto::ListTraces& question,
                                             const std::vector<TraceDay>& days);

  std::unique_ptr<Database> db_;  // before the statements, which must be gone when it closes
  const Clock& clock_;
  TraceOutbox outbox_;
  TraceDays days_;
  std::unique_ptr<TraceRing> ring_;
  std::unique_ptr<TraceHolds> holds_;
  std::unique_ptr<TraceAccounts> accounts_;
  std::unique_ptr<TraceDeletions> deletions_;
  std::unique_ptr<TracePatches> patches_;
  std::unique_ptr<IncidentChain> chain_;
  std::unique_ptr<IncidentLists> incidents_;
  Statement has_incident_, add_incident_, get_incident_;
  std::function<void()> committed_;
  size_t batch_rows_ = 0;
  MonoTime batch_began_{};
};

}  // namespace nightjar
