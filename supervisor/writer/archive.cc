#include "supervisor/writer/archive.h"

#include <algorithm>
#include <set>
#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"
#include "supervisor/writer/local_store.h"
#include "supervisor/writer/trace_reader.h"

namespace nightjar {
namespace {

// Of a run that is told again, or that has fewer events than its worker wrote. A look costs more
// than a row, so that all others go without.
bool MayBeStored(const SealedRun& run) {
  return run.resumed || run.events < run.row.usage().trace_events();
}

bool HasBudget(const proto::TraceRules& rules) {
  return rules.events_per_day() > 0 || rules.bytes_per_day() > 0;
}

void ClearNotKept(proto::TraceRow& row) {
  row.clear_not_kept();
  row.clear_not_kept_by();
  row.clear_events_not_kept();
}

constexpr unsigned kRefusedStatus = 400;

void AddDetail(proto::TraceRow& row, const std::string& sentence) {
  row.set_detail(row.detail() + (row.detail().empty() ? "" : "; ") + sentence);
}

}  // namespace

Result<std::unique_ptr<Archive>> Archive::Open(const std::string& dir, const Clock& clock) {
  NJ_ASSIGN(auto objects, LocalStore::Create(dir + "/traces"));
  return Open(dir, clock, std::move(objects));
}

Result<std::unique_ptr<Archive>> Archive::Open(const std::string& dir, const Clock& clock,
                                               std::unique_ptr<ObjectStore> objects) {
  NJ_ASSIGN(auto index, TraceIndex::Create(dir + "/index.db", clock));
  NJ_ASSIGN(auto catalog, Catalog::Create(dir + "/catalog.db", clock));
  NJ_ASSIGN(auto missed, MissedIndex::Create(dir + "/missed.db"));
  auto archive = std::make_unique<Archive>(std::move(objects), std::move(index), std::move(catalog),
                                           std::move(missed), clock);
  NJ_ASSIGN(archive->usage_, UsageStore::Create(dir + "/usage.db", clock));
  NJ_ASSIGN(archive->counters_,
            CounterHistory::Create(dir + "/counters.db", clock, bounds::kCounterStoreBytes));
  return archive;
}

Archive::Archive(std::unique_ptr<ObjectStore> objects, std::unique_ptr<TraceIndex> index,
                 std::unique_ptr<Catalog> catalog, std::unique_ptr<MissedIndex> missed,
                 const Clock& clock)
    : objects_(std::move(objects)),
      index_(std::move(index)),
      catalog_(std::move(catalog)),
      missed_(std::move(missed)),
      clock_(clock),
      code_(*catalog_) {}

void Archive::Store(SealedRun run) {
  DropIfDeleted(run);
  if (IsStored(run)) return;
  waiting_.push_back(
      {run.ticket, run.run, 0, run.condemned, {}, StoredRun::Fate::kInBatch, run.mark, {}, {}, 0});
  if (run.row.has_patch()) return StorePatch(run);
  std::string key;
  Cost cost;
  if (run.rules) {
    auto decided = KeepByRules(run);
    if (decided) cost = *decided;
    // Whatever cannot be decided is kept.
    if (!decided) LogError("trace_rules_unread", {{"error", decided.error().ToString()}});
    if (run.unsealed && !IsOnlyRow(run.row)) run.object = run.unsealed->Seal(run.row, compressor_);
    run.unsealed.reset();
  }
  if (!run.row.canvas().empty() && !IsOnlyRow(run.row)) key = StoreObject(run);
  cost.spent.bytes = run.row.stored_bytes();
  if (!key.empty()) waiting_.back().keys = {key};
  waiting_.back().not_kept = run.row.not_kept();
  waiting_.back().events_not_kept = run.row.events_not_kept();
  AddRows(run, key, cost);
}

// A run whose trace was lost already is decided all the same: what would not have been kept was not
// lost.
Result<Archive::Cost> Archive::KeepByRules(SealedRun& run) {
  KeepingFacts facts{run.run, run.row, run.incident.has_value(), false, {}};
  NJ_ASSIGN(TraceDay day, TraceDay::Of(run.run));
  TraceAccounts& accounts = index_->accounts();
  if (IsPlain(run.row)) {
    NJ_ASSIGN(facts.first_of_revision,
              accounts.IsFirst({run.row.canvas(), run.row.tlid()}, run.row.revision(), run.run));
  }
  if (HasBudget(*run.rules)) {
    NJ_ASSIGN(facts.spent, accounts.Spent(day, run.row.canvas()));
  }
  Keeping keeping = DecideKeeping(*run.rules, facts);
  Cost cost;
  cost.first = facts.first_of_revision;
  if (keeping.not_kept == proto::NOT_KEPT_EVENTS) {
    uint64_t events = run.unsealed ? run.unsealed->LeaveOutEvents(compressor_) : 0;
    if (events == 0) return cost;  // it has none but those that stay
    run.row.set_events_not_kept(events);
    run.events = run.unsealed->events();
  } else if (run.unsealed) {
    cost.spent.events = run.unsealed->events();
  }
  run.row.set_not_kept(keeping.not_kept);
  run.row.set_not_kept_by(keeping.by);
  if (IsOnlyRow(run.row)) run.lost.clear();
  return cost;
}

void Archive::StorePatch(SealedRun& run) {
  Status put = PutPatch(run);
  if (!put)
    LogError("trace_lost", {{"run", run.run.ToString()},
                            {"canvas", run.row.canvas()},
                            {"error", put.error().ToString()}});
  Status added;
  if (run.incident) {
    code_.Finish(&*run.incident);
    added = index_->AddIncident(*run.incident);
  }
  StoredRun& stored = waiting_.back();
  if (!added) {
    LoseRows(stored, added.error());
    return LoseBatchIfGone(added.error());
  }
  stored.bytes = put ? run.object.size() : 0;
  if (!put) stored.error = put.error().ToString();
}

// Beside its base, wherever that is now. Without one there is nothing that it would be shown with.
Status Archive::PutPatch(SealedRun& run) {
  // Of arguments that the function does not take: nothing ran.
  if (run.row.http_status() == kRefusedStatus) return {};
  if (!run.lost.empty()) return Fail(ErrorCode::kExhausted, run.lost);
  const std::string& canvas = run.row.canvas();
  auto base = RunId::Parse(run.row.patch().run_id());
  if (!base) return Fail(ErrorCode::kInvalid, "a patch without a base");
  NJ_ASSIGN(auto places, index_->PlacesOf(canvas, *base));
  run.row.set_stored_bytes(run.object.size());
  for (const TraceIndex::BasePlace& place : places) {
    NJ_ASSIGN(auto there, index_->patches().Of(canvas, *base, place.place));
    if (there.size() >= bounds::kPatchesPerTrace)
      return Fail(ErrorCode::kExhausted, TooManyPatches());
    const std::string key = PatchKey(place.base_key, run.run);
    NJ_TRY(objects_->Put(key, run.object));
    waiting_.back().keys.push_back(key);
  }
  Status rows = index_->Write([&]() -> Status {
    for (const TraceIndex::BasePlace& place : places)
      NJ_TRY(index_->patches().Add(*base, place.place,
                                   {run.row, {}, PatchKey(place.base_key, run.run)}));
    return {};
  });
  if (!rows) LoseBatchIfGone(rows.error());
  return rows;
}

Result<IndexedTrace> Archive::FindPatch(const SealedRun& run) {
  NJ_ASSIGN(auto base, index_->patches().BaseOf(run.row.canvas(), run.run));
  if (!base) return Fail(ErrorCode::kNotFound, "no patch " + run.run.ToString());
  return IndexedTrace{run.row, {}, {}};
}

// It was stored, and deleted since, and comes again because nobody had heard of either: of it only
// the incident is anybody's business.
void Archive::DropIfDeleted(SealedRun& run) {
  auto deleted = index_->deletions().Find(run.row.canvas(), run.run);
  if (!deleted || !*deleted) return;
  run.row.Clear();
  run.object.clear();
  run.rules.reset();
  run.unsealed.reset();
}

// The writer before this one stored it and died before its answer was read.
bool Archive::IsStored(const SealedRun& run) {
  if (!MayBeStored(run)) return false;
  auto found = run.row.has_patch() ? FindPatch(run) : index_->Get(run.row.canvas(), run.run);
  if (!found) return false;
  waiting_.push_back({run.ticket,
                      run.run,
                      found->row.stored_bytes(),
                      run.condemned,
                      {},
                      StoredRun::Fate::kSafe,
                      run.mark,
                      {},
                      found->row.not_kept(),
                      found->row.events_not_kept()});
  return true;
}

// The writer before this one may have stored the object and died before its row was safe. What it
// had drained is no longer in the ring, so its object is the better one.
bool Archive::KeepEarlierObject(const std::string& key, SealedRun& run) {
  auto earlier = objects_->GetUnlisted(key, bounds::kTraceContainerBytes);
  if (!earlier) return false;
  auto reader = TraceReader::Open(*earlier);
  if (!reader) return false;
  const proto::StoredRun* stored = reader->Find(run.run);
  if (stored == nullptr || stored->events() <= run.events) return false;
  run.touched.set_more_functions(true);
  run.object = std::move(*earlier);
  return true;
}

// Returns the object's key; empty when there is none, and run.lost says why.
std::string Archive::StoreObject(SealedRun& run) {
  if (run.lost.empty()) {
    auto key = TraceKey(run.row.canvas(), run.run);
    bool kept = key && MayBeStored(run) && KeepEarlierObject(*key, run);
    if (!kept && !run.eventless.empty())
      AddDetail(run.row, "its events were lost: " + run.eventless);
    Status put = key ? objects_->Put(*key, run.object) : Status(tl::unexpected<Error>(key.error()));
    if (put) {
      // The earlier writer's is whole where a budget of then was not used up yet.
      if (kept && run.row.not_kept() == proto::NOT_KEPT_EVENTS) ClearNotKept(run.row);
      run.row.set_stored_bytes(run.object.size());
      return *key;
    }
    run.lost = put.error().ToString();
  }
  ClearNotKept(run.row);  // all of it is gone, whatever policy let be kept
  LogError("trace_lost",
           {{"run", run.run.ToString()}, {"canvas", run.row.canvas()}, {"error", run.lost}});
  AddDetail(run.row, "its trace was lost: " + run.lost);
  return {};
}

Status Archive::Account(const SealedRun& run, const Cost& cost) {
  const HandlerId handler{run.row.canvas(), run.row.tlid()};
  if (cost.first) NJ_TRY(index_->accounts().NoteFirst(handler, run.row.revision(), run.run));
  if (!HasBudget(*run.rules)) return {};
  NJ_ASSIGN(TraceDay day, TraceDay::Of(run.run));
  return index_->accounts().Spend(day, run.row.canvas(), cost.spent, *run.rules);
}

void Archive::AddRows(SealedRun& run, const std::string& key, const Cost& cost) {
  Status added;
  if (!run.row.canvas().empty()) added = index_->AddTrace({run.row, run.touched, key});
  if (added && run.rules && !key.empty()) added = Account(run, cost);
  if (added && run.incident) {
    code_.Finish(&*run.incident);
    added = index_->AddIncident(*run.incident);
  }
  StoredRun& stored = waiting_.back();
  if (added) {
    stored.bytes = run.row.stored_bytes();
    stored.error = run.lost;
    return;
  }
  LoseRows(stored, added.error());
  LoseBatchIfGone(added.error());
}

// A full disk rolls the whole batch back, not only the row that failed.
void Archive::LoseBatchIfGone(const Error& error) {
  if (index_->Due()) return;
  ForgetBatch();
  for (StoredRun& run : waiting_) LoseRows(run, error);
  for (const auto& done : std::exchange(moves_, {})) done(tl::unexpected<Error>(error));
}

void Archive::ForgetBatch() {
  if (Status counted = index_->accounts().CountUsedUp(); !counted)
    LogError("budgets_uncounted", {{"error", counted.error().ToString()}});
}

// Each run once, and by its id: somebody was told of it, and will not find it.
void Archive::LoseRows(StoredRun& run, const Error& error) {
  if (run.fate != StoredRun::Fate::kInBatch) return;
  run.fate = StoredRun::Fate::kLost;
  run.error = error.ToString();
  LogError("row_lost", {{"run", run.run.ToString()}, {"error", run.error}});
}

std::optional<MonoTime> Archive::Due() const {
  if (waiting_.empty() && moves_.empty()) return std::nullopt;
  return index_->Due().value_or(MonoTime::min());
}

Status Archive::CommitNow() {
  Status committed = index_->Commit();
  for (StoredRun& run : waiting_) {
    if (!committed) LoseRows(run, committed.error());
    if (run.fate == StoredRun::Fate::kInBatch) run.fate = StoredRun::Fate::kSafe;
  }
  if (!committed) ForgetBatch();
  for (const auto& done : std::exchange(moves_, {})) done(committed);
  return committed;
}

std::vector<StoredRun> Archive::Commit() {
  (void)CommitNow();  // each run says what became of it
  for (StoredRun& run : waiting_) {
    if (!run.error.empty()) run.bytes = 0;
    // Also of a row that was lost: it expires where it belongs as well as here.
    for (const std::string& key : run.keys) objects_->Listed(key);
  }
  return std::exchange(waiting_, {});
}

// Before the revision is saved: a crash in between leaves handlers that count as removed and are
// not, which the keeper finds out before it empties their slots. The other way round some would
// never be emptied.
Status Archive::NoteRemovedHandlers(const Catalog::Revision& revision) {
  auto before = catalog_->NewestManifest(revision.canvas);
  if (!before && before.error().code == ErrorCode::kNotFound) return {};  // its first revision
  if (!before) return tl::unexpected<Error>(before.error());
  std::set<Tlid> there;
  for (const proto::HandlerEntry& handler : revision.manifest.handlers())
    there.insert(handler.tlid());
  std::vector<HandlerId> removed;
  for (const proto::HandlerEntry& handler : before->handlers())
    if (!there.contains(handler.tlid())) removed.push_back({revision.canvas, handler.tlid()});
  if (removed.empty()) return {};
  NJ_TRY(index_->Write([&]() -> Status {
    for (const HandlerId& handler : removed)
      NJ_TRY(index_->ring().NoteRemoved(handler, clock_.Wall()));
    return {};
  }));
  return CommitNow();
}

Status Archive::SaveRevision(const Catalog::Revision& revision) {
  NJ_TRY(NoteRemovedHandlers(revision));
  return catalog_->Save(revision);
}

void Archive::MoveObjects(const std::vector<std::string>& from, const std::string& to,
                          std::function<void(const Status&)> done) {
  std::vector<TraceIndex::Moved> moved;
  std::string canvas;
  for (const std::string& key : from) {
    auto owner = TraceKeyParts(key);
    if (!owner || (!canvas.empty() && owner->canvas != canvas))
      return done(Fail(ErrorCode::kInvalid, "not the traces of one canvas"));
    canvas = owner->canvas;
    moved.push_back({owner->run, key});
  }
  Status rows = index_->MoveObjects(canvas, moved, to);
  if (rows) {
    moves_.push_back(std::move(done));
    return;
  }
  LoseBatchIfGone(rows.error());
  done(rows);
}

bool Archive::IsListed(std::string_view key) {
  auto parts = TraceKeyParts(key);
  if (!parts) return true;
  for (const StoredRun& run : waiting_)
    if (std::find(run.keys.begin(), run.keys.end(), key) != run.keys.end()) return false;
  auto found = index_->Get(parts->canvas, parts->run);
  return found && found->object_key == key;
}

}  // namespace nightjar
