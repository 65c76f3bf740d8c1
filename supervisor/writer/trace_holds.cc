#include "supervisor/writer/trace_holds.h"

#include <utility>

#include "ipc/core/bounds.h"
#include "supervisor/writer/id_prefix.h"
#include "supervisor/writer/object_store.h"

namespace nightjar {
namespace {

// holds: 1 it does; 0 its object is being copied or removed.
constexpr const char* kSchema = R"(
  CREATE TABLE holds (
    canvas TEXT NOT NULL, run_id BLOB NOT NULL, holds INTEGER NOT NULL, reason TEXT NOT NULL,
    held_by TEXT NOT NULL, held_us INTEGER NOT NULL, row BLOB NOT NULL, touched BLOB NOT NULL,
    PRIMARY KEY (canvas, run_id)) WITHOUT ROWID;
  CREATE INDEX holds_leftover ON holds (canvas, run_id) WHERE holds = 0)";

constexpr const char* kCount = "SELECT COUNT(*) FROM holds WHERE canvas = ?";
constexpr const char* kBegin =
    "INSERT INTO holds (canvas, run_id, holds, reason, held_by, held_us, row, touched) "
    "VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET "
    "reason = ?3, held_by = ?4, held_us = ?5, row = ?6, touched = ?7 WHERE holds = 0";
constexpr const char* kSet = "UPDATE holds SET holds = ?3 WHERE canvas = ?1 AND run_id = ?2";
constexpr const char* kLeftovers = "SELECT canvas, run_id FROM holds WHERE holds = 0 LIMIT ?";
constexpr const char* kRemove = "DELETE FROM holds WHERE canvas = ? AND run_id = ? AND holds = 0";
constexpr const char* kGet =
    "SELECT row, touched, run_id FROM holds WHERE canvas = ? AND run_id = ? AND holds = 1";
constexpr const char* kTraces =
    "SELECT row, touched, run_id FROM holds WHERE canvas = ? AND holds = 1 ORDER BY run_id";
// An empty canvas means all.
constexpr const char* kList =
    "SELECT canvas, run_id, reason, held_by, held_us, row FROM holds "
    "WHERE (?1 = '' OR canvas = ?1) AND holds = 1 ORDER BY held_us DESC, run_id LIMIT ?2";
constexpr const char* kFind =
    "SELECT canvas, run_id, reason, held_by, held_us, row FROM holds "
    "WHERE canvas = ? AND run_id = ? AND holds = 1";

Error Damaged() {
  return {ErrorCode::kProtocol, 0, "a row of the holds is damaged"};
}

Result<IndexedTrace> ReadTrace(std::string_view canvas, const Statement& found) {
  IndexedTrace trace;
  std::string_view row = found.Bytes(0), touched = found.Bytes(1);
  auto run = RunId::FromBytes(found.Bytes(2));
  if (!run || !trace.row.ParseFromArray(row.data(), static_cast<int>(row.size())) ||
      !trace.touched.ParseFromArray(touched.data(), static_cast<int>(touched.size())))
    return tl::unexpected<Error>(Damaged());
  NJ_ASSIGN(trace.object_key, EvidenceKey(canvas, *run));
  return trace;
}

Result<proto::Hold> ReadHold(const Statement& found) {
  proto::Hold hold;
  std::string_view row = found.Bytes(5);
  auto run = RunId::FromBytes(found.Bytes(1));
  if (!run || !hold.mutable_trace()->ParseFromArray(row.data(), static_cast<int>(row.size())))
    return tl::unexpected<Error>(Damaged());
  hold.set_canvas(std::string(found.Bytes(0)));
  hold.set_run_id(run->ToString());
  hold.set_reason(std::string(found.Bytes(2)));
  hold.set_by(std::string(found.Bytes(3)));
  hold.set_held_unix_us(found.Int(4));
  return hold;
}

void BindRun(Statement& statement, std::string_view canvas, const RunId& run) {
  statement.BindText(1, canvas);
  statement.BindBlob(2, run.bytes());
}

tl::unexpected<Error> NoHold(const RunId& run) {
  return Fail(ErrorCode::kNotFound, "trace " + run.ToString() + " is not held");
}

}  // namespace

const char* TraceHolds::Schema() {
  return kSchema;
}

Result<std::unique_ptr<TraceHolds>> TraceHolds::Create(Database& db) {
  std::unique_ptr<TraceHolds> holds(new TraceHolds(db));
  NJ_TRY(holds->PrepareAll());
  return holds;
}

Status TraceHolds::PrepareAll() {
  NJ_ASSIGN(count_, db_.Prepare(kCount));
  NJ_ASSIGN(begin_, db_.Prepare(kBegin));
  NJ_ASSIGN(set_, db_.Prepare(kSet));
  NJ_ASSIGN(leftovers_, db_.Prepare(kLeftovers));
  NJ_ASSIGN(remove_, db_.Prepare(kRemove));
  NJ_ASSIGN(get_, db_.Prepare(kGet));
  NJ_ASSIGN(traces_, db_.Prepare(kTraces));
  NJ_ASSIGN(list_, db_.Prepare(kList));
  NJ_ASSIGN(find_, db_.Prepare(kFind));
  return {};
}

Status TraceHolds::Begin(const RunId& run, const IndexedTrace& trace, const proto::HoldTrace& order,
                         WallTime now) {
  auto held = Find(order.canvas(), run);
  if (!held && held.error().code != ErrorCode::kNotFound)
    return tl::unexpected<Error>(held.error());
  if (held)
    return Fail(ErrorCode::kExists, "trace " + run.ToString() + " is held already, by " +
                                        held->by() + ": " + held->reason());
  {
    ResetLater reset(count_);
    count_.BindText(1, order.canvas());
    NJ_TRY(count_.Step());
    if (count_.Int(0) >= static_cast<int64_t>(bounds::kHoldsPerCanvas))
      return Fail(ErrorCode::kExhausted, "this canvas has " +
                                             std::to_string(bounds::kHoldsPerCanvas) +
                                             " holds already: release some");
  }
  const std::string row = trace.row.SerializeAsString();
  const std::string touched = trace.touched.SerializeAsString();
  BindRun(begin_, order.canvas(), run);
  begin_.BindText(3, order.reason());
  begin_.BindText(4, order.by());
  begin_.BindInt(5, UnixMicros(now));
  begin_.BindBlob(6, row);
  begin_.BindBlob(7, touched);
  return begin_.Run();
}

Status TraceHolds::Confirm(std::string_view canvas, const RunId& run) {
  BindRun(set_, canvas, run);
  set_.BindInt(3, 1);
  return set_.Run();
}

Status TraceHolds::BeginRelease(std::string_view canvas, const RunId& run) {
  NJ_TRY(Find(canvas, run));
  BindRun(set_, canvas, run);
  set_.BindInt(3, 0);
  return set_.Run();
}

Result<std::vector<TraceHolds::Leftover>> TraceHolds::Leftovers(size_t rows_max) {
  ResetLater reset(leftovers_);
  leftovers_.BindInt(1, static_cast<int64_t>(rows_max));
  std::vector<Leftover> leftovers;
  for (;;) {
    NJ_ASSIGN(bool more, leftovers_.Step());
    if (!more) return leftovers;
    auto run = RunId::FromBytes(leftovers_.Bytes(1));
    if (!run) return tl::unexpected<Error>(Damaged());
    leftovers.push_back({std::string(leftovers_.Bytes(0)), *run});
  }
}

Status TraceHolds::Remove(const Leftover& leftover) {
  BindRun(remove_, leftover.canvas, leftover.run);
  return remove_.Run();
}

Result<IndexedTrace> TraceHolds::Get(std::string_view canvas, const RunId& run) {
  ResetLater reset(get_);
  BindRun(get_, canvas, run);
  NJ_ASSIGN(bool there, get_.Step());
  if (!there) return NoHold(run);
  return ReadTrace(canvas, get_);
}

Result<std::vector<IndexedTrace>> TraceHolds::Traces(std::string_view canvas) {
  ResetLater reset(traces_);
  traces_.BindText(1, canvas);
  std::vector<IndexedTrace> traces;
  for (;;) {
    NJ_ASSIGN(bool more, traces_.Step());
    if (!more) return traces;
    NJ_ASSIGN(IndexedTrace trace, ReadTrace(canvas, traces_));
    traces.push_back(std::move(trace));
  }
}

Result<proto::HoldList> TraceHolds::List(std::string_view canvas) {
  ResetLater reset(list_);
  list_.BindText(1, canvas);
  list_.BindInt(2, static_cast<int64_t>(bounds::kListRows));
  proto::HoldList list;
  for (;;) {
    NJ_ASSIGN(bool more, list_.Step());
    if (!more) return list;
    NJ_ASSIGN(*list.add_holds(), ReadHold(list_));
  }
}

Result<proto::Hold> TraceHolds::Find(std::string_view canvas, const RunId& run) {
  ResetLater reset(find_);
  BindRun(find_, canvas, run);
  NJ_ASSIGN(bool there, find_.Step());
  if (!there) return NoHold(run);
  return ReadHold(find_);
}

Result<std::vector<TraceDays::Found>> TraceHolds::InRange(const RunRange& range, size_t rows_max) {
  NJ_ASSIGN(Statement ask, db_.Prepare(EachCanvasSql("holds", "holds = 1").c_str()));
  std::vector<TraceDays::Found> found;
  NJ_TRY(TraceDays::ReadFound(ask, range, rows_max, &found));
  return found;
}

}  // namespace nightjar
