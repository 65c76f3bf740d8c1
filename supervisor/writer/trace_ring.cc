#include "supervisor/writer/trace_ring.h"

#include <utility>

#include "ipc/core/bounds.h"
#include "supervisor/writer/id_prefix.h"
#include "supervisor/writer/object_store.h"

namespace nightjar {
namespace {

// kept: 0 not yet, its row is in its day's table; 1 it is; 2 its row is, but it has no object.
constexpr const char* kSchema = R"(
  CREATE TABLE ring (
    canvas TEXT NOT NULL, tlid INTEGER NOT NULL, slot INTEGER NOT NULL, seq INTEGER NOT NULL,
    run_id BLOB NOT NULL, at_ms INTEGER NOT NULL, kept INTEGER NOT NULL, row BLOB, touched BLOB,
    PRIMARY KEY (canvas, tlid, slot)) WITHOUT ROWID;
  CREATE INDEX ring_unkept ON ring (at_ms) WHERE kept = 0;
  CREATE INDEX ring_kept ON ring (canvas, run_id) WHERE kept <> 0;
  CREATE TABLE removed_handlers (
    canvas TEXT NOT NULL, tlid INTEGER NOT NULL, since_ms INTEGER NOT NULL,
    PRIMARY KEY (canvas, tlid)) WITHOUT ROWID)";

constexpr const char* kNewest = "SELECT max(seq) FROM ring WHERE canvas = ? AND tlid = ?";
constexpr const char* kPut =
    "INSERT INTO ring (canvas, tlid, slot, seq, run_id, at_ms, kept) VALUES (?, ?, ?, ?, ?, ?, 0) "
    "ON CONFLICT (canvas, tlid, slot) DO UPDATE SET seq = excluded.seq, run_id = excluded.run_id, "
    "at_ms = excluded.at_ms, kept = 0, row = NULL, touched = NULL";
constexpr const char* kUnkept =
    "SELECT canvas, tlid, slot, run_id FROM ring WHERE kept = 0 AND at_ms < ? ORDER BY at_ms "
    "LIMIT ?";
constexpr const char* kOldest = "SELECT at_ms FROM ring WHERE kept = 0 ORDER BY at_ms LIMIT 1";
constexpr const char* kKeep =
    "UPDATE ring SET kept = ?5, row = ?6, touched = ?7 WHERE canvas = ?1 AND tlid = ?2 AND "
    "slot = ?3 AND run_id = ?4 AND kept = 0";
constexpr const char* kEmpty =
    "DELETE FROM ring WHERE canvas = ? AND tlid = ? AND slot = ? AND run_id = ? AND kept = 0";
constexpr const char* kSlotOf =
    "SELECT slot FROM ring WHERE canvas = ? AND tlid = ? AND run_id = ?";
constexpr const char* kClear =
    "DELETE FROM ring WHERE canvas = ? AND tlid = ? AND slot = ? AND run_id = ?";
constexpr const char* kGet =
    "SELECT row, touched, kept, tlid, slot FROM ring WHERE canvas = ? AND run_id = ? AND kept <> 0";
constexpr const char* kInSlot =
    "SELECT row, touched, kept, tlid, slot FROM ring WHERE canvas = ? AND tlid = ? AND slot = ? "
    "AND kept <> 0";
constexpr const char* kKept =
    "SELECT row, touched, kept, tlid, slot FROM ring WHERE canvas = ? AND kept <> 0 "
    "ORDER BY run_id";
constexpr const char* kNoteRemoved =
    "INSERT INTO removed_handlers (canvas, tlid, since_ms) VALUES (?1, ?2, ?3) "
    "ON CONFLICT DO UPDATE SET since_ms = ?3";
constexpr const char* kNoteAll =
    "INSERT INTO removed_handlers (canvas, tlid, since_ms) SELECT DISTINCT canvas, tlid, ? FROM "
    "ring WHERE true ON CONFLICT DO NOTHING";
constexpr const char* kRemoved =
    "SELECT canvas, tlid FROM removed_handlers WHERE since_ms < ? LIMIT ?";
constexpr const char* kEmptySlots = "DELETE FROM ring WHERE canvas = ? AND tlid = ? AND at_ms < ?";
constexpr const char* kForgetRemoved = "DELETE FROM removed_handlers WHERE canvas = ? AND tlid = ?";
constexpr const char* kForgetEmptied =
    "DELETE FROM removed_handlers WHERE canvas = ?1 AND tlid = ?2 AND NOT EXISTS "
    "(SELECT 1 FROM ring WHERE canvas = ?1 AND tlid = ?2)";

void BindHandler(Statement& statement, const HandlerId& handler) {
  statement.BindText(1, handler.canvas);
  statement.BindInt(2, static_cast<int64_t>(handler.tlid));
}

void BindSlot(Statement& statement, const RingSlot& slot) {
  BindHandler(statement, slot.handler);
  statement.BindInt(3, slot.slot);
  statement.BindBlob(4, slot.run.bytes());
}

Result<IndexedTrace> Read(std::string_view canvas, const Statement& found) {
  IndexedTrace trace;
  std::string_view row = found.Bytes(0), touched = found.Bytes(1);
  if (!trace.row.ParseFromArray(row.data(), static_cast<int>(row.size())) ||
      !trace.touched.ParseFromArray(touched.data(), static_cast<int>(touched.size())))
    return Fail(ErrorCode::kProtocol, "a row of the kept traces is damaged");
  if (found.Int(2) != 1) return trace;
  NJ_ASSIGN(trace.object_key,
            KeptKey(canvas, static_cast<Tlid>(found.Int(3)), static_cast<unsigned>(found.Int(4))));
  return trace;
}

WallTime FromMs(int64_t ms) {
  return WallTime(std::chrono::milliseconds(ms));
}

}  // namespace

const char* TraceRing::Schema() {
  return kSchema;
}

Result<std::unique_ptr<TraceRing>> TraceRing::Create(Database& db) {
  std::unique_ptr<TraceRing> ring(new TraceRing(db));
  NJ_TRY(ring->PrepareAll());
  return ring;
}

Status TraceRing::PrepareAll() {
  NJ_ASSIGN(newest_, db_.Prepare(kNewest));
  NJ_ASSIGN(put_, db_.Prepare(kPut));
  NJ_ASSIGN(unkept_, db_.Prepare(kUnkept));
  NJ_ASSIGN(oldest_, db_.Prepare(kOldest));
  NJ_ASSIGN(keep_, db_.Prepare(kKeep));
  NJ_ASSIGN(empty_, db_.Prepare(kEmpty));
  NJ_ASSIGN(slot_of_, db_.Prepare(kSlotOf));
  NJ_ASSIGN(clear_, db_.Prepare(kClear));
  NJ_ASSIGN(get_, db_.Prepare(kGet));
  NJ_ASSIGN(kept_, db_.Prepare(kKept));
  NJ_ASSIGN(note_removed_, db_.Prepare(kNoteRemoved));
  NJ_ASSIGN(removed_, db_.Prepare(kRemoved));
  NJ_ASSIGN(empty_slots_, db_.Prepare(kEmptySlots));
  NJ_ASSIGN(forget_emptied_, db_.Prepare(kForgetEmptied));
  NJ_ASSIGN(forget_removed_, db_.Prepare(kForgetRemoved));
  return {};
}

Status TraceRing::Add(const RunId& run, const proto::TraceRow& row) {
  const HandlerId handler{row.canvas(), row.tlid()};
  int64_t seq = 0;
  {
    ResetLater reset(newest_);
    BindHandler(newest_, handler);
    NJ_TRY(newest_.Step());
    seq = newest_.Int(0) + 1;  // NULL, of a handler's first, is 0
  }
  BindHandler(put_, handler);
  put_.BindInt(3, seq % bounds::kRingSlots);
  put_.BindInt(4, seq);
  put_.BindBlob(5, run.bytes());
  put_.BindInt(6, run.unix_ms());
  return put_.Run();
}

Result<std::vector<RingSlot>> TraceRing::Unkept(WallTime received_before, size_t rows_max) {
  ResetLater reset(unkept_);
  unkept_.BindInt(1, UnixMillis(received_before));
  unkept_.BindInt(2, static_cast<int64_t>(rows_max));
  std::vector<RingSlot> slots;
  for (;;) {
    NJ_ASSIGN(bool more, unkept_.Step());
    if (!more) return slots;
    auto run = RunId::FromBytes(unkept_.Bytes(3));
    if (!run) return Fail(ErrorCode::kProtocol, "a slot of the kept traces is damaged");
    slots.push_back({{std::string(unkept_.Bytes(0)), static_cast<Tlid>(unkept_.Int(1))},
                     static_cast<unsigned>(unkept_.Int(2)),
                     *run});
  }
}

Result<std::optional<WallTime>> TraceRing::OldestUnkept() {
  ResetLater reset(oldest_);
  NJ_ASSIGN(bool there, oldest_.Step());
  if (!there) return std::optional<WallTime>();
  return std::optional<WallTime>(FromMs(oldest_.Int(0)));
}

Status TraceRing::Keep(const RingSlot& slot, const IndexedTrace& trace) {
  const std::string row = trace.row.SerializeAsString();
  const std::string touched = trace.touched.SerializeAsString();
  BindSlot(keep_, slot);
  keep_.BindInt(5, trace.object_key.empty() ? 2 : 1);
  keep_.BindBlob(6, row);
  keep_.BindBlob(7, touched);
  return keep_.Run();
}

Status TraceRing::Empty(const RingSlot& slot) {
  BindSlot(empty_, slot);
  return empty_.Run();
}

Result<std::optional<RingSlot>> TraceRing::SlotOf(const HandlerId& handler, const RunId& run) {
  ResetLater reset(slot_of_);
  BindHandler(slot_of_, handler);
  slot_of_.BindBlob(3, run.bytes());
  NJ_ASSIGN(bool there, slot_of_.Step());
  if (!there) return std::optional<RingSlot>();
  return std::optional(RingSlot{handler, static_cast<unsigned>(slot_of_.Int(0)), run});
}

Status TraceRing::Clear(const RingSlot& slot) {
  BindSlot(clear_, slot);
  return clear_.Run();
}

Result<IndexedTrace> TraceRing::Get(std::string_view canvas, const RunId& run) {
  ResetLater reset(get_);
  get_.BindText(1, canvas);
  get_.BindBlob(2, run.bytes());
  NJ_ASSIGN(bool there, get_.Step());
  if (!there) return Fail(ErrorCode::kNotFound, "no trace " + run.ToString() + " of this canvas");
  return Read(canvas, get_);
}

Result<std::optional<IndexedTrace>> TraceRing::InSlot(const HandlerId& handler, unsigned slot) {
  NJ_ASSIGN(Statement ask, db_.Prepare(kInSlot));
  BindHandler(ask, handler);
  ask.BindInt(3, slot);
  NJ_ASSIGN(bool there, ask.Step());
  if (!there) return std::optional<IndexedTrace>();
  NJ_ASSIGN(IndexedTrace trace, Read(handler.canvas, ask));
  return std::optional<IndexedTrace>(std::move(trace));
}

Result<std::vector<IndexedTrace>> TraceRing::Kept(std::string_view canvas) {
  ResetLater reset(kept_);
  kept_.BindText(1, canvas);
  std::vector<IndexedTrace> traces;
  for (;;) {
    NJ_ASSIGN(bool more, kept_.Step());
    if (!more) return traces;
    NJ_ASSIGN(IndexedTrace trace, Read(canvas, kept_));
    traces.push_back(std::move(trace));
  }
}

Status TraceRing::NoteRemoved(const HandlerId& handler, WallTime now) {
  BindHandler(note_removed_, handler);
  note_removed_.BindInt(3, UnixMillis(now));
  return note_removed_.Run();
}

Status TraceRing::NoteAllAsRemoved(WallTime now) {
  NJ_ASSIGN(Statement note, db_.Prepare(kNoteAll));
  note.BindInt(1, UnixMillis(now));
  return note.Run();
}

Result<std::vector<HandlerId>> TraceRing::RemovedBefore(WallTime time, size_t rows_max) {
  ResetLater reset(removed_);
  removed_.BindInt(1, UnixMillis(time));
  removed_.BindInt(2, static_cast<int64_t>(rows_max));
  std::vector<HandlerId> handlers;
  for (;;) {
    NJ_ASSIGN(bool more, removed_.Step());
    if (!more) return handlers;
    handlers.push_back({std::string(removed_.Bytes(0)), static_cast<Tlid>(removed_.Int(1))});
  }
}

Status TraceRing::EmptySlots(const HandlerId& handler, WallTime time) {
  BindHandler(empty_slots_, handler);
  empty_slots_.BindInt(3, UnixMillis(time));
  NJ_TRY(empty_slots_.Run());
  BindHandler(forget_emptied_, handler);
  return forget_emptied_.Run();
}

Status TraceRing::ForgetRemoved(const HandlerId& handler) {
  BindHandler(forget_removed_, handler);
  return forget_removed_.Run();
}

Result<std::vector<TraceDays::Found>> TraceRing::InRange(const RunRange& range, size_t rows_max) {
  NJ_ASSIGN(Statement ask, db_.Prepare(EachCanvasSql("ring", "kept <> 0").c_str()));
  std::vector<TraceDays::Found> found;
  NJ_TRY(TraceDays::ReadFound(ask, range, rows_max, &found));
  return found;
}

}  // namespace nightjar
