#include "supervisor/writer/trace_index.h"

#include <algorithm>
#include <map>
#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"
#include "supervisor/writer/object_store.h"

namespace nightjar {
namespace {

constexpr const char* kIncidents = R"(
  CREATE TABLE incidents (
    run_id BLOB NOT NULL UNIQUE, canvas TEXT NOT NULL, handler TEXT NOT NULL,
    verdict INTEGER NOT NULL, at_us INTEGER NOT NULL, detail TEXT NOT NULL, incident BLOB NOT NULL,
    link INTEGER, previous BLOB, hash BLOB);
  CREATE INDEX incidents_by_canvas ON incidents (canvas, run_id);
  CREATE UNIQUE INDEX incidents_by_link ON incidents (link);
  CREATE TABLE incident_chain (
    one INTEGER PRIMARY KEY CHECK (one = 1), begun_us INTEGER NOT NULL, unlinked INTEGER NOT NULL,
    links INTEGER NOT NULL, head BLOB NOT NULL))";
// Version 1 had no chain; its incidents stay outside of it.
constexpr const char* kToVersion2 = R"(
  ALTER TABLE incidents ADD COLUMN link INTEGER;
  ALTER TABLE incidents ADD COLUMN previous BLOB;
  ALTER TABLE incidents ADD COLUMN hash BLOB;
  CREATE UNIQUE INDEX incidents_by_link ON incidents (link);
  CREATE TABLE incident_chain (
    one INTEGER PRIMARY KEY CHECK (one = 1), begun_us INTEGER NOT NULL, unlinked INTEGER NOT NULL,
    links INTEGER NOT NULL, head BLOB NOT NULL))";
// Version 2 had all traces in one table, for ever. They are taken over once this is done.
constexpr const char* kToVersion3 = R"(
  DROP INDEX IF EXISTS traces_by_handler;
  DROP INDEX IF EXISTS traces_by_verdict;
  ALTER TABLE traces RENAME TO old_traces)";

// In KiB: the ends of all indexes of a day fit. A trace changes a dozen pages, and with SQLite's
// own 2 MiB some canvases are enough for each to be read again.
constexpr const char* kCache = "PRAGMA cache_size = -16384";
// Debian's SQLite overwrites what is deleted, and so would write a whole day once more to drop it:
// ten times as long (60,000 traces: 0.5 s).
constexpr const char* kDropFast = "PRAGMA secure_delete = FAST";

constexpr const char* kHasOld =
    "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'old_traces'";
// The oldest of each canvas first, so that the newest are in the ring at the end. Both columns one
// way: it is the order of the table's index, and nothing has to be sorted.
constexpr const char* kOld =
    "SELECT run_id, object_key, row FROM old_traces ORDER BY canvas DESC, run_id DESC";

constexpr const char* kHasIncident = "SELECT 1 FROM incidents WHERE run_id = ?";
constexpr const char* kAddIncident =
    "INSERT INTO incidents (run_id, canvas, handler, verdict, at_us, detail, incident, link, "
    "previous, hash, code_sha256, caller) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr const char* kGetIncident = "SELECT incident FROM incidents WHERE run_id = ?";

int64_t RowsOf(uint32_t asked) {
  return static_cast<int64_t>(std::min<size_t>(asked == 0 ? 10 : asked, bounds::kListRows));
}

Result<RunId> IdOf(const std::string& text) {
  auto run = RunId::Parse(text);
  if (!run) return Fail(ErrorCode::kInvalid, "a row without a run's id");
  return *run;
}

}  // namespace

Result<std::unique_ptr<TraceIndex>> TraceIndex::Create(const std::string& path,
                                                       const Clock& clock) {
  const std::string news = std::string(TraceRing::Schema()) + ";" + TraceHolds::Schema();
  const std::string outbox = TraceOutbox::Schema();
  const std::string lists = IncidentLists::Schema();
  NJ_ASSIGN(auto db,
            Database::Open(path, Durability::kLazy,
                           kIncidents + (";" + news + ";" + outbox + ";" + lists), kVersion,
                           {kToVersion2, kToVersion3 + (";" + news), outbox, lists}));
  NJ_TRY(db->Execute(TraceDeletions::Schema()));
  NJ_TRY(db->Execute(TracePatches::Schema()));
  NJ_TRY(db->Execute(kCache));
  NJ_TRY(db->Execute(kDropFast));
  std::unique_ptr<TraceIndex> index(new TraceIndex(std::move(db), clock));
  NJ_TRY(index->PrepareAll());
  NJ_TRY(index->TakeOverOldTraces());
  NJ_ASSIGN(uint64_t taken, index->incidents_->TakeOver());
  if (taken > 0) LogInfo("incidents_taken_over", {{"incidents", taken}});
  return index;
}

TraceIndex::~TraceIndex() {
  if (Status committed = Commit(); !committed)
    LogError("rows_lost", {{"error", committed.error().ToString()}});
  if (chain_ != nullptr) chain_->LogHead(IncidentChain::Telling::kNow);
}

Status TraceIndex::PrepareAll() {
  NJ_ASSIGN(ring_, TraceRing::Create(*db_));
  NJ_ASSIGN(holds_, TraceHolds::Create(*db_));
  NJ_ASSIGN(accounts_, TraceAccounts::Create(*db_, clock_));
  NJ_ASSIGN(deletions_, TraceDeletions::Create(*db_));
  NJ_ASSIGN(patches_, TracePatches::Create(*db_));
  NJ_ASSIGN(chain_, IncidentChain::Create(*db_, clock_));
  NJ_ASSIGN(incidents_, IncidentLists::Create(*db_));
  NJ_ASSIGN(has_incident_, db_->Prepare(kHasIncident));
  NJ_ASSIGN(add_incident_, db_->Prepare(kAddIncident));
  NJ_ASSIGN(get_incident_, db_->Prepare(kGetIncident));
  return {};
}

// In one transaction: a start that is killed in it begins again.
Status TraceIndex::TakeOverOldTraces() {
  {
    NJ_ASSIGN(Statement has, db_->Prepare(kHasOld));
    NJ_ASSIGN(bool old, has.Step());
    if (!old) return {};
  }
  uint64_t taken = 0, damaged = 0;
  NJ_TRY(OpenBatch());
  Status status;
  {
    NJ_ASSIGN(Statement old, db_->Prepare(kOld));
    status = TakeOver(old, &taken, &damaged);
  }
  // Which handlers were removed before this version, nobody has written down.
  if (status) status = ring_->NoteAllAsRemoved(clock_.Wall());
  if (status) status = db_->Execute("DROP TABLE old_traces");
  if (status) status = Commit();
  if (!status) {
    if (db_->in_transaction()) (void)db_->Execute("ROLLBACK");
    return Wrap(status.error(), "taking over the traces of an earlier version");
  }
  LogInfo("traces_taken_over", {{"traces", taken}, {"damaged", damaged}});
  return {};
}

Status TraceIndex::TakeOver(Statement& old, uint64_t* taken, uint64_t* damaged) {
  for (;;) {
    NJ_ASSIGN(bool more, old.Step());
    if (!more) return {};
    IndexedTrace trace;
    std::string_view row = old.Bytes(2);
    auto run = RunId::FromBytes(old.Bytes(0));
    trace.object_key = old.Bytes(1);
    if (!run || !TraceDay::Of(*run) ||
        !trace.row.ParseFromArray(row.data(), static_cast<int>(row.size()))) {
      ++*damaged;
      continue;
    }
    trace.touched.set_more_functions(true);
    NJ_TRY(Insert(*run, trace));
    ++*taken;
  }
}

Status TraceIndex::OpenBatch() {
  if (db_->in_transaction()) return {};
  // An error may have rolled the transaction back on its own, with the rows in it.
  days_.Forget();
  batch_rows_ = 0;
  batch_began_ = clock_.Mono();
  return db_->Execute("BEGIN IMMEDIATE");
}

Status TraceIndex::Write(const std::function<Status()>& change) {
  NJ_TRY(OpenBatch());
  NJ_TRY(db_->Execute("SAVEPOINT change"));
  Status changed = change();
  if (!changed) days_.Forget();  // a table may have been made in it
  if (!changed && db_->in_transaction()) (void)db_->Execute("ROLLBACK TO change");
  if (db_->in_transaction()) (void)db_->Execute("RELEASE change");
  if (changed) ++batch_rows_;
  return changed;
}

Status TraceIndex::AddTrace(const IndexedTrace& trace) {
  NJ_ASSIGN(RunId run, IdOf(trace.row.run_id()));
  NJ_TRY(OpenBatch());
  // Without a savepoint, which would copy every page that a trace changes: what can fail here (a
  // full disk, a broken one) rolls the whole batch back.
  NJ_TRY(Insert(run, trace));
  ++batch_rows_;
  return {};
}

Status TraceIndex::Insert(const RunId& run, const IndexedTrace& trace) {
  NJ_ASSIGN(bool added, days_.Add(run, trace));
  // What is only a row must not take the place of a trace.
  if (!added || IsOnlyRow(trace.row)) return {};
  return ring_->Add(run, trace.row);
}

Status TraceIndex::SetOutbox(bool on) {
  NJ_ASSIGN(std::vector<TraceDay> days, days_.Days());
  NJ_TRY(Write([&] { return on ? outbox_.TurnOn(days) : outbox_.TurnOff(days); }));
  return Commit();
}

Status TraceIndex::MoveObjects(std::string_view canvas, const std::vector<Moved>& moved,
                               std::string_view to) {
  return Write([&]() -> Status {
    for (const Moved& one : moved) {
      NJ_ASSIGN(auto deleted, deletions_->Find(canvas, one.run));
      NJ_TRY(deleted ? deletions_->AddErasure({std::string(to), std::string(canvas), one.run})
                     : days_.Move(canvas, one.run, one.from, to));
    }
    return {};
  });
}

Result<TraceIndex::Erasures> TraceIndex::Delete(const RunId& run, const proto::DeleteTrace& order) {
  const std::string& canvas = order.canvas();
  auto held = holds_->Find(canvas, run);
  if (held)
    return Fail(ErrorCode::kExists, "trace " + run.ToString() + " is held as evidence, by " +
                                        held->by() + ": " + held->reason() + "; release it first");
  if (held.error().code != ErrorCode::kNotFound) return tl::unexpected<Error>(held.error());
  NJ_ASSIGN(IndexedTrace trace, Get(canvas, run));
  // Also where its row has it elsewhere: it may lie here as well, or be on its way.
  NJ_ASSIGN(std::string own, TraceKey(canvas, run));
  Erasures erasures = {{own, canvas, run}};
  if (!trace.object_key.empty() && trace.object_key != own)
    erasures.push_back({trace.object_key, canvas, run});
  NJ_TRY(AddSlots(run, trace.row, &erasures));
  NJ_ASSIGN(auto patches, patches_->Everywhere(canvas, run));
  for (const IndexedTrace& patch : patches) {
    NJ_ASSIGN(RunId id, IdOf(patch.row.run_id()));
    erasures.push_back({patch.object_key, canvas, id});
    NJ_TRY(deletions_->Add(id, order, clock_.Wall()));
  }
  NJ_TRY(patches_->RemoveAll(canvas, run));
  NJ_TRY(days_.Remove(run, trace));
  NJ_TRY(deletions_->Add(run, order, clock_.Wall()));
  for (const TraceDeletions::Erasure& erasure : erasures) NJ_TRY(deletions_->AddErasure(erasure));
  return erasures;
}

// Its slot's object may be there before the slot says so, and so may its patches'. One that was
// written over says nothing of it any more: then it may be in any of its handler's ten, once it is
// old enough for a copy.
Status TraceIndex::AddSlots(const RunId& run, const proto::TraceRow& row, Erasures* erasures) {
  const HandlerId handler{row.canvas(), row.tlid()};
  NJ_ASSIGN(auto slot, ring_->SlotOf(handler, run));
  if (slot) NJ_TRY(ring_->Clear(*slot));
  if (run.unix_ms() > UnixMillis(clock_.Wall() - bounds::kKeepAfter)) return {};
  NJ_ASSIGN(auto patches, patches_->Of(row.canvas(), run, TracePatches::Place::kWeek));
  for (unsigned number = 0; number < bounds::kRingSlots; ++number) {
    if (slot && slot->slot != number) continue;
    NJ_ASSIGN(std::string key, KeptKey(handler.canvas, handler.tlid, number));
    erasures->push_back({key, handler.canvas, run});
    for (const IndexedTrace& patch : patches) {
      NJ_ASSIGN(RunId id, IdOf(patch.row.run_id()));
      erasures->push_back({PatchKey(key, id), handler.canvas, id});
    }
  }
  return {};
}

Result<std::vector<TraceIndex::BasePlace>> TraceIndex::PlacesOf(std::string_view canvas,
                                                                const RunId& base) {
  using Place = TracePatches::Place;
  NJ_ASSIGN(IndexedTrace trace, Get(canvas, base));
  std::vector<BasePlace> places;
  auto add = [&](Place place, Result<std::string> key) -> Status {
    NJ_TRY(key);
    places.push_back({place, std::move(*key)});
    return {};
  };
  auto day = days_.Get(canvas, base);
  if (day) NJ_TRY(add(Place::kWeek, TraceKey(canvas, base)));
  auto kept = ring_->Get(canvas, base);
  if (kept && !kept->object_key.empty()) NJ_TRY(add(Place::kKept, kept->object_key));
  auto held = holds_->Find(canvas, base);
  if (held) NJ_TRY(add(Place::kEvidence, EvidenceKey(canvas, base)));
  return places;
}

Result<std::vector<IndexedTrace>> TraceIndex::PatchesOf(const IndexedTrace& found) {
  NJ_ASSIGN(RunId run, IdOf(found.row.run_id()));
  auto place = TracePatches::PlaceOf(found.object_key);
  if (!place) return std::vector<IndexedTrace>();
  return patches_->Of(found.row.canvas(), run, *place);
}

Result<IndexedTrace> TraceIndex::GetPatch(std::string_view canvas, const RunId& patch) {
  NJ_ASSIGN(auto base, patches_->BaseOf(canvas, patch));
  if (!base) return Missing(canvas, patch);
  NJ_ASSIGN(IndexedTrace trace, Get(canvas, *base));
  NJ_ASSIGN(auto patches, PatchesOf(trace));
  const std::string id = patch.ToString();
  auto found = std::find_if(patches.begin(), patches.end(),
                            [&](const IndexedTrace& one) { return one.row.run_id() == id; });
  if (found == patches.end()) return Missing(canvas, patch);
  return std::move(*found);
}

Status TraceIndex::AddIncident(const proto::Incident& incident) {
  NJ_ASSIGN(RunId run, IdOf(incident.run_id()));
  {
    ResetLater reset(has_incident_);
    has_incident_.BindBlob(1, run.bytes());
    NJ_ASSIGN(bool there, has_incident_.Step());
    if (there) return {};
  }
  // The row and the chain's end move together or not at all, whatever becomes of the batch.
  return Write([&] { return LinkIncident(run, incident); });
}

Status TraceIndex::LinkIncident(const RunId& run, const proto::Incident& incident) {
  std::string encoded = incident.SerializeAsString();
  NJ_ASSIGN(IncidentChain::Link link, chain_->Next(encoded));
  add_incident_.BindBlob(1, run.bytes());
  add_incident_.BindText(2, incident.canvas());
  add_incident_.BindText(3, incident.handler());
  add_incident_.BindInt(4, incident.verdict());
  add_incident_.BindInt(5, incident.at_unix_us());
  add_incident_.BindText(6, incident.detail());
  add_incident_.BindBlob(7, encoded);
  add_incident_.BindInt(8, static_cast<int64_t>(link.number));
  add_incident_.BindBlob(9, link.previous);
  add_incident_.BindBlob(10, link.hash);
  add_incident_.BindText(11, incident.code_sha256());
  add_incident_.BindText(12, CallerAddress(incident.caller()));
  NJ_TRY(add_incident_.Run());
  return chain_->Advance(link);
}

std::optional<MonoTime> TraceIndex::Due() const {
  if (!db_->in_transaction()) return std::nullopt;
  return batch_rows_ >= bounds::kIndexBatchRows ? batch_began_
                                                : batch_began_ + bounds::kIndexBatchTime;
}

Status TraceIndex::Commit() {
  if (!db_->in_transaction()) return {};
  batch_rows_ = 0;
  Status committed = db_->Execute("COMMIT");
  // A commit that failed for lack of room leaves the transaction open.
  if (!committed && db_->in_transaction()) (void)db_->Execute("ROLLBACK");
  if (committed) chain_->LogHead(IncidentChain::Telling::kIfDue);
  if (committed && committed_) committed_();
  return committed;
}

// Those whose days are over: kept ones and held ones, newest first.
Result<std::vector<IndexedTrace>> TraceIndex::Outlived(const proto::ListTraces& question,
                                                       const std::vector<TraceDay>& days) {
  const RunRange range = RangeOf(question);
  std::map<RunId, IndexedTrace> outlived;  // a trace may be both
  auto take = [&](std::vector<IndexedTrace> traces) {
    for (IndexedTrace& trace : traces) {
      auto run = RunId::Parse(trace.row.run_id());
      auto day = run ? TraceDay::Of(*run) : Result<TraceDay>(TraceDay());
      if (!run || !day || std::find(days.begin(), days.end(), *day) != days.end()) continue;
      if (run->bytes() < range.first || run->bytes() > range.last) continue;
      if (Matches(question, trace)) outlived.emplace(*run, std::move(trace));
    }
  };
  NJ_ASSIGN(auto kept, ring_->Kept(question.canvas()));
  take(std::move(kept));
  NJ_ASSIGN(auto held, holds_->Traces(question.canvas()));
  take(std::move(held));
  std::vector<IndexedTrace> sorted;
  for (auto& [run, trace] : outlived) sorted.push_back(std::move(trace));
  return sorted;
}

Result<proto::TraceList> TraceIndex::List(const proto::ListTraces& question, size_t looked_max) {
  const auto rows = static_cast<int>(RowsOf(question.rows_max()));
  proto::TraceList list;
  size_t looked = 0;
  NJ_ASSIGN(std::vector<TraceDay> days, days_.Days());
  for (TraceDay day : days) {
    NJ_TRY(days_.Walk(day, question, RangeOf(question), [&](IndexedTrace&& trace) {
      if (Matches(question, trace)) *list.add_traces() = std::move(trace.row);
      if (++looked == looked_max) list.set_looked_enough(true);
      return list.traces_size() < rows && !list.looked_enough();
    }));
    if (list.traces_size() == rows || list.looked_enough()) return list;
  }
  NJ_ASSIGN(auto outlived, Outlived(question, days));
  for (IndexedTrace& trace : outlived) {
    if (list.traces_size() == rows) break;
    *list.add_traces() = std::move(trace.row);
  }
  return list;
}

Result<IndexedTrace> TraceIndex::Get(std::string_view canvas, const RunId& run) {
  auto missing = [](const Result<IndexedTrace>& found) {
    return !found && found.error().code == ErrorCode::kNotFound;
  };
  auto found = days_.Get(canvas, run);
  if (missing(found)) found = holds_->Get(canvas, run);
  if (missing(found)) found = ring_->Get(canvas, run);
  if (!missing(found)) return found;
  return Missing(canvas, run);
}

Result<std::vector<TraceDays::Found>> TraceIndex::InRange(const RunRange& range, size_t rows_max) {
  std::map<RunId, std::string> found;
  auto take = [&](Result<std::vector<TraceDays::Found>> some) -> Status {
    NJ_TRY(some);
    for (TraceDays::Found& one : *some) found.emplace(one.run, std::move(one.canvas));
    return {};
  };
  NJ_TRY(take(incidents_->InRange(range, rows_max)));
  NJ_TRY(take(days_.InRange(range, rows_max)));
  NJ_TRY(take(holds_->InRange(range, rows_max)));
  NJ_TRY(take(ring_->InRange(range, rows_max)));
  std::vector<TraceDays::Found> runs;
  for (auto& [run, canvas] : found)
    if (runs.size() < rows_max) runs.push_back({std::move(canvas), run});
  return runs;
}

// Why it is not there.
tl::unexpected<Error> TraceIndex::Missing(std::string_view canvas, const RunId& run) {
  auto deleted = deletions_->Find(canvas, run);
  if (!deleted) return tl::unexpected<Error>(deleted.error());
  if (*deleted)
    return Fail(ErrorCode::kDeleted,
                "trace " + run.ToString() + " was deleted on " + DeletedText(**deleted));
  auto base = patches_->BaseOf(canvas, run);
  if (!base) return tl::unexpected<Error>(base.error());
  if (*base)
    return Fail(ErrorCode::kNotFound, "run " + run.ToString() +
                                          " is a patch, which is shown with its trace " +
                                          (*base)->ToString());
  auto day = TraceDay::Of(run);
  auto days = days_.Days();
  if (!days) return tl::unexpected<Error>(days.error());
  bool over = day && *day < TraceDay::Of(clock_.Wall()).Before(bounds::kTraceDays) &&
              std::find(days->begin(), days->end(), *day) == days->end();
  if (over)
    return Fail(ErrorCode::kExpired,
                "traces of " + day->Text() + " are over: a trace is kept for " +
                    std::to_string(bounds::kTraceDays.count()) +
                    " days, longer as one of the last " + std::to_string(bounds::kRingSlots) +
                    " of its handler, or while it is held");
  return Fail(ErrorCode::kNotFound, "no trace " + run.ToString() + " of this canvas");
}

Result<proto::Incident> TraceIndex::GetIncident(const RunId& run) {
  ResetLater reset(get_incident_);
  get_incident_.BindBlob(1, run.bytes());
  NJ_ASSIGN(bool there, get_incident_.Step());
  if (!there) return Fail(ErrorCode::kNotFound, "no incident " + run.ToString());
  proto::Incident incident;
  std::string_view bytes = get_incident_.Bytes(0);
  if (!incident.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return Fail(ErrorCode::kProtocol, "the record of this incident is damaged");
  return incident;
}

}  // namespace nightjar
