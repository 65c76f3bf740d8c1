// Everything on the disk: stores ended runs, then lists them, in this order, and hands out what was
// stored.
//
// What policy does not let be kept is decided here, when all about a run is known and before its
// object is made (see trace_keeping.h). A run's row is written once its object is, and Commit()
// tells whose rows are safe. A disk that is full or broken costs the traces of that time, each with
// a row that says so where a row can still be written; nothing waits for it. Every call blocks; one
// thread, but for the objects.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/writer/catalog.h"
#include "supervisor/writer/counter_history.h"
#include "supervisor/writer/incident_code.h"
#include "supervisor/writer/missed_index.h"
#include "supervisor/writer/object_store.h"
#include "supervisor/writer/trace_index.h"
#include "supervisor/writer/unsealed_trace.h"
#include "supervisor/writer/usage_store.h"

namespace nightjar {

// Up to where a run's events are in its worker's ring, which keeps them until they are stored.
struct RingMark {
  WorkerId worker = 0;  // 0: there are none
  uint64_t end = 0;
};

// An ended run, as the drain hands it over.
struct SealedRun {
  uint64_t ticket = 0;
  RunId run;
  proto::TraceRow row;  // canvas empty: the run never began, there is only the incident
  proto::TraceTouched touched;
  std::optional<proto::Incident> incident;
  std::string object;  // the sealed container
  // Set where policy says more than "keep it": then there is no object yet, but this.
  std::optional<proto::TraceRules> rules = {};
  std::shared_ptr<UnsealedTrace> unsealed = {};
  uint64_t events = 0;     // in it
  bool resumed = false;    // an earlier writer may have stored more of it
  bool condemned = false;  // its worker's ring is condemned
  std::string lost;        // not empty: why there is no object
  std::string eventless;   // not empty: why there are no events of it
  RingMark mark;
};

struct StoredRun {
  uint64_t ticket = 0;
  RunId run;
  uint64_t bytes = 0;
  bool condemned = false;
  std::string error;
  // Of its rows. What is in a batch may still be lost with it.
  enum class Fate { kInBatch, kSafe, kLost } fate = Fate::kInBatch;
  RingMark mark;
  std::vector<std::string> keys;                      // of its objects
  proto::NotKept not_kept = proto::NOT_KEPT_NOTHING;  // of its trace, by policy
  uint64_t events_not_kept = 0;
};

class Archive {
 public:
  // `dir` is the store's directory. `clock` outlives the archive.
  static Result<std::unique_ptr<Archive>> Open(const std::string& dir, const Clock& clock);
  // The same, with its objects elsewhere.
  static Result<std::unique_ptr<Archive>> Open(const std::string& dir, const Clock& clock,
                                               std::unique_ptr<ObjectStore> objects);
  Archive(std::unique_ptr<ObjectStore> objects, std::unique_ptr<TraceIndex> index,
          std::unique_ptr<Catalog> catalog, std::unique_ptr<MissedIndex> missed,
          const Clock& clock);

  void Store(SealedRun run);
  // When Commit() must be called; nullopt: nothing waits for it.
  std::optional<MonoTime> Due() const;
  // The runs whose fate is now known.
  std::vector<StoredRun> Commit();

  // Commits what was written to the index now. Whose rows it takes along is told by Commit().
  Status CommitNow();
  // Durable when it returns.
  Status SaveRevision(const Catalog::Revision& revision);
  // What several objects of one canvas held is in the object `to` now: their rows say so. `done`
  // once that is as safe as any row, from Commit(), or with the reason why it is not.
  void MoveObjects(const std::vector<std::string>& from, const std::string& to,
                   std::function<void(const Status&)> done);
  // Whether this object has a row that is safe. Of objects of a kind that has no rows, always.
  bool IsListed(std::string_view key);

  TraceIndex& index() { return *index_; }
  Catalog& catalog() { return *catalog_; }
  MissedIndex& missed() { return *missed_; }
  UsageStore& usage() { return *usage_; }            // of an archive that was opened
  CounterHistory& counters() { return *counters_; }  // likewise
  // Put is this thread's; of the rest see there.
  ObjectStore& objects() { return *objects_; }

 private:
  void DropIfDeleted(SealedRun& run);
  bool IsStored(const SealedRun& run);
  Result<IndexedTrace> FindPatch(const SealedRun& run);
  bool KeepEarlierObject(const std::string& key, SealedRun& run);
  // What a run that is stored costs its canvas, in the accounts.
  struct Cost {
    TraceSpending spent;
    bool first = false;
  };
  Result<Cost> KeepByRules(SealedRun& run);
  Status Account(const SealedRun& run, const Cost& cost);
  std::string StoreObject(SealedRun& run);
  void StorePatch(SealedRun& run);
  Status PutPatch(SealedRun& run);
  void AddRows(SealedRun& run, const std::string& key, const Cost& cost);
  Status NoteRemovedHandlers(const Catalog::Revision& revision);
  void LoseBatchIfGone(const Error& error);
  void ForgetBatch();
  static void LoseRows(StoredRun& run, const Error& error);

  std::unique_ptr<ObjectStore> objects_;
  std::unique_ptr<TraceIndex> index_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<MissedIndex> missed_;
  std::unique_ptr<UsageStore> usage_;
  std::unique_ptr<CounterHistory> counters_;
  const Clock& clock_;
  Compressor compressor_;
  IncidentCode code_;                                      // reads the catalog
  std::vector<StoredRun> waiting_;                         // for a commit
  std::vector<std::function<void(const Status&)>> moves_;  // likewise
};

}  // namespace nightjar
