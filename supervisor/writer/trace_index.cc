#include "supervisor/writer/trace_index.h"

#include <algorithm>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"

namespace nightjar {
namespace {

constexpr int kVersion = 2;
// Most runs finish, so only the others are indexed by verdict: 1 is VERDICT_FINISHED.
constexpr const char* kSchema = R"(
  CREATE TABLE traces (
    canvas TEXT NOT NULL, run_id BLOB NOT NULL, handler TEXT NOT NULL, tlid INTEGER NOT NULL,
    revision INTEGER NOT NULL, received_us INTEGER NOT NULL, verdict INTEGER NOT NULL,
    object_key TEXT NOT NULL, row BLOB NOT NULL, UNIQUE (canvas, run_id));
  CREATE INDEX traces_by_handler ON traces (canvas, handler, run_id);
  CREATE INDEX traces_by_verdict ON traces (canvas, verdict, run_id) WHERE verdict <> 1;
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
constexpr const char* kUpgrade = R"(
  ALTER TABLE incidents ADD COLUMN link INTEGER;
  ALTER TABLE incidents ADD COLUMN previous BLOB;
  ALTER TABLE incidents ADD COLUMN hash BLOB;
  CREATE UNIQUE INDEX incidents_by_link ON incidents (link);
  CREATE TABLE incident_chain (
    one INTEGER PRIMARY KEY CHECK (one = 1), begun_us INTEGER NOT NULL, unlinked INTEGER NOT NULL,
    links INTEGER NOT NULL, head BLOB NOT NULL))";

constexpr const char* kAddTrace =
    "INSERT INTO traces (canvas, run_id, handler, tlid, revision, received_us, verdict, "
    "object_key, row) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
constexpr const char* kMoveObject =
    "UPDATE traces SET object_key = ? WHERE canvas = ? AND run_id = ? AND object_key = ?";
constexpr const char* kHasIncident = "SELECT 1 FROM incidents WHERE run_id = ?";
constexpr const char* kAddIncident =
    "INSERT INTO incidents (run_id, canvas, handler, verdict, at_us, detail, incident, link, "
    "previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
// ?1 canvas, ?2 rows, ?3 handler, ?4 verdict. A verdict of 0 and an empty handler match all.
constexpr const char* kList =
    "SELECT row FROM traces WHERE canvas = ?1 AND (?4 = 0 OR verdict = ?4) ORDER BY run_id LIMIT "
    "?2";
constexpr const char* kListHandler =
    "SELECT row FROM traces WHERE canvas = ?1 AND handler = ?3 AND (?4 = 0 OR verdict = ?4) "
    "ORDER BY run_id LIMIT ?2";
constexpr const char* kListVerdict =
    "SELECT row FROM traces WHERE canvas = ?1 AND verdict = ?4 AND verdict <> 1 "
    "AND (?3 = '' OR handler = ?3) ORDER BY run_id LIMIT ?2";
constexpr const char* kGet = "SELECT row, object_key FROM traces WHERE canvas = ? AND run_id = ?";
constexpr const char* kListIncidents =
    "SELECT run_id, canvas, handler, verdict, at_us, detail FROM incidents ORDER BY run_id LIMIT "
    "?2";
constexpr const char* kListCanvasIncidents =
    "SELECT run_id, canvas, handler, verdict, at_us, detail FROM incidents WHERE canvas = ?1 "
    "ORDER BY run_id LIMIT ?2";
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
  NJ_ASSIGN(auto db, Database::Open(path, Durability::kLazy, kSchema, kVersion, kUpgrade));
  std::unique_ptr<TraceIndex> index(new TraceIndex(std::move(db), clock));
  NJ_TRY(index->PrepareAll());
  NJ_ASSIGN(index->chain_, IncidentChain::Create(*index->db_, clock));
  return index;
}

TraceIndex::~TraceIndex() {
  if (Status committed = Commit(); !committed)
    LogError("rows_lost", {{"error", committed.error().ToString()}});
  if (chain_ != nullptr) chain_->LogHead(IncidentChain::Telling::kNow);
}

Status TraceIndex::PrepareAll() {
  NJ_ASSIGN(add_trace_, db_->Prepare(kAddTrace));
  NJ_ASSIGN(move_object_, db_->Prepare(kMoveObject));
  NJ_ASSIGN(has_incident_, db_->Prepare(kHasIncident));
  NJ_ASSIGN(add_incident_, db_->Prepare(kAddIncident));
  NJ_ASSIGN(list_, db_->Prepare(kList));
  NJ_ASSIGN(list_handler_, db_->Prepare(kListHandler));
  NJ_ASSIGN(list_verdict_, db_->Prepare(kListVerdict));
  NJ_ASSIGN(get_, db_->Prepare(kGet));
  NJ_ASSIGN(list_incidents_, db_->Prepare(kListIncidents));
  NJ_ASSIGN(list_canvas_incidents_, db_->Prepare(kListCanvasIncidents));
  NJ_ASSIGN(get_incident_, db_->Prepare(kGetIncident));
  return {};
}

Status TraceIndex::OpenBatch() {
  if (db_->in_transaction()) return {};
  // An error may have rolled the transaction back on its own, with the rows in it.
  batch_rows_ = 0;
  batch_began_ = clock_.Mono();
  return db_->Execute("BEGIN IMMEDIATE");
}

Status TraceIndex::CountRow(Status added) {
  if (added) ++batch_rows_;
  return added;
}

Status TraceIndex::AddTrace(const proto::TraceRow& row, std::string_view object_key) {
  NJ_ASSIGN(RunId run, IdOf(row.run_id()));
  NJ_TRY(OpenBatch());
  std::string encoded = row.SerializeAsString();
  add_trace_.BindText(1, row.canvas());
  add_trace_.BindBlob(2, run.bytes());
  add_trace_.BindText(3, row.handler());
  add_trace_.BindInt(4, static_cast<int64_t>(row.tlid()));
  add_trace_.BindInt(5, static_cast<int64_t>(row.revision()));
  add_trace_.BindInt(6, row.received_unix_us());
  add_trace_.BindInt(7, row.verdict());
  add_trace_.BindText(8, object_key);
  add_trace_.BindBlob(9, encoded);
  return CountRow(add_trace_.Run());
}

Status TraceIndex::MoveObjects(std::string_view canvas, const std::vector<Moved>& moved,
                               std::string_view to) {
  NJ_TRY(OpenBatch());
  for (const Moved& one : moved) {
    move_object_.BindText(1, to);
    move_object_.BindText(2, canvas);
    move_object_.BindBlob(3, one.run.bytes());
    move_object_.BindText(4, one.from);
    NJ_TRY(CountRow(move_object_.Run()));
  }
  return {};
}

Status TraceIndex::AddIncident(const proto::Incident& incident) {
  NJ_ASSIGN(RunId run, IdOf(incident.run_id()));
  NJ_TRY(OpenBatch());
  {
    ResetLater reset(has_incident_);
    has_incident_.BindBlob(1, run.bytes());
    NJ_ASSIGN(bool there, has_incident_.Step());
    if (there) return {};
  }
  // The row and the chain's end move together or not at all, whatever becomes of the batch.
  NJ_TRY(db_->Execute("SAVEPOINT incident"));
  Status added = LinkIncident(run, incident);
  if (!added && db_->in_transaction()) (void)db_->Execute("ROLLBACK TO incident");
  if (db_->in_transaction()) (void)db_->Execute("RELEASE incident");
  return CountRow(added);
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
  return committed;
}

Statement& TraceIndex::ListStatement(const proto::ListTraces& question) {
  bool rare = question.verdict() > proto::VERDICT_FINISHED;
  if (rare) return list_verdict_;
  return question.handler().empty() ? list_ : list_handler_;
}

Result<proto::TraceList> TraceIndex::List(const proto::ListTraces& question) {
  Statement& ask = ListStatement(question);
  ResetLater reset(ask);
  ask.BindText(1, question.canvas());
  ask.BindInt(2, RowsOf(question.rows_max()));
  // Each of the three has the parameters that it names, and SQLite refuses to bind others.
  if (&ask != &list_) ask.BindText(3, question.handler());
  ask.BindInt(4, question.verdict());
  proto::TraceList list;
  for (;;) {
    NJ_ASSIGN(bool more, ask.Step());
    if (!more) return list;
    std::string_view row = ask.Bytes(0);
    if (!list.add_traces()->ParseFromArray(row.data(), static_cast<int>(row.size())))
      return Fail(ErrorCode::kProtocol, "a row of the trace index is damaged");
  }
}

Result<TraceIndex::Found> TraceIndex::Get(std::string_view canvas, const RunId& run) {
  ResetLater reset(get_);
  get_.BindText(1, canvas);
  get_.BindBlob(2, run.bytes());
  NJ_ASSIGN(bool there, get_.Step());
  if (!there) return Fail(ErrorCode::kNotFound, "no trace " + run.ToString() + " of this canvas");
  Found found;
  std::string_view row = get_.Bytes(0);
  if (!found.row.ParseFromArray(row.data(), static_cast<int>(row.size())))
    return Fail(ErrorCode::kProtocol, "a row of the trace index is damaged");
  found.object_key = get_.Bytes(1);
  return found;
}

Result<proto::IncidentList> TraceIndex::ListIncidents(const proto::ListIncidents& question) {
  Statement& ask = question.canvas().empty() ? list_incidents_ : list_canvas_incidents_;
  ResetLater reset(ask);
  if (!question.canvas().empty()) ask.BindText(1, question.canvas());
  ask.BindInt(2, RowsOf(question.rows_max()));
  proto::IncidentList list;
  for (;;) {
    NJ_ASSIGN(bool more, ask.Step());
    if (!more) return list;
    proto::IncidentRow& row = *list.add_incidents();
    row.set_run_id(RunId::FromBytes(ask.Bytes(0)).value_or(RunId()).ToString());
    row.set_canvas(std::string(ask.Bytes(1)));
    row.set_handler(std::string(ask.Bytes(2)));
    row.set_verdict(static_cast<proto::Verdict>(ask.Int(3)));
    row.set_at_unix_us(ask.Int(4));
    row.set_detail(std::string(ask.Bytes(5)));
  }
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
