#include "supervisor/writer/trace_deletions.h"

#include <utility>

#include "supervisor/writer/trace_day.h"

namespace nightjar {
namespace {

constexpr const char* kSchema = R"(
  CREATE TABLE IF NOT EXISTS deleted_traces (
    canvas TEXT NOT NULL, run_id BLOB NOT NULL, at_us INTEGER NOT NULL, deleted_by TEXT NOT NULL,
    reason TEXT NOT NULL, PRIMARY KEY (canvas, run_id)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS deleted_traces_by_time ON deleted_traces (at_us);
  CREATE TABLE IF NOT EXISTS erasures (
    object_key TEXT NOT NULL, canvas TEXT NOT NULL, run_id BLOB NOT NULL,
    PRIMARY KEY (object_key, run_id)) WITHOUT ROWID)";

constexpr const char* kAdd =
    "INSERT INTO deleted_traces (canvas, run_id, at_us, deleted_by, reason) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT DO NOTHING";
constexpr const char* kFind =
    "SELECT at_us, deleted_by, reason FROM deleted_traces WHERE canvas = ? AND run_id = ?";
constexpr const char* kForget = "DELETE FROM deleted_traces WHERE at_us < ?";
constexpr const char* kAddErasure =
    "INSERT INTO erasures (object_key, canvas, run_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
constexpr const char* kErasures =
    "SELECT object_key, canvas, run_id FROM erasures WHERE (object_key, run_id) > (?, ?) "
    "ORDER BY object_key, run_id LIMIT ?";
constexpr const char* kFinish = "DELETE FROM erasures WHERE object_key = ? AND run_id = ?";

Result<std::vector<TraceDeletions::Erasure>> ReadAll(Statement& found) {
  std::vector<TraceDeletions::Erasure> erasures;
  for (;;) {
    NJ_ASSIGN(bool more, found.Step());
    if (!more) return erasures;
    auto run = RunId::FromBytes(found.Bytes(2));
    if (!run) return Fail(ErrorCode::kProtocol, "a row of the deleted traces is damaged");
    erasures.push_back({std::string(found.Bytes(0)), std::string(found.Bytes(1)), *run});
  }
}

}  // namespace

std::string DeletedText(const proto::TraceDeleted& deleted) {
  const WallTime at{std::chrono::microseconds(deleted.deleted_unix_us())};
  return TraceDay::Of(at).Text() + " by " + deleted.by() + ": " + deleted.reason();
}

const char* TraceDeletions::Schema() {
  return kSchema;
}

Result<std::unique_ptr<TraceDeletions>> TraceDeletions::Create(Database& db) {
  std::unique_ptr<TraceDeletions> deletions(new TraceDeletions(db));
  NJ_TRY(deletions->PrepareAll());
  return deletions;
}

Status TraceDeletions::PrepareAll() {
  NJ_ASSIGN(add_, db_.Prepare(kAdd));
  NJ_ASSIGN(find_, db_.Prepare(kFind));
  NJ_ASSIGN(forget_, db_.Prepare(kForget));
  NJ_ASSIGN(add_erasure_, db_.Prepare(kAddErasure));
  NJ_ASSIGN(erasures_, db_.Prepare(kErasures));
  NJ_ASSIGN(finish_, db_.Prepare(kFinish));
  return {};
}

Status TraceDeletions::Add(const RunId& run, const proto::DeleteTrace& order, WallTime now) {
  add_.BindText(1, order.canvas());
  add_.BindBlob(2, run.bytes());
  add_.BindInt(3, UnixMicros(now));
  add_.BindText(4, order.by());
  add_.BindText(5, order.reason());
  return add_.Run();
}

Result<std::optional<proto::TraceDeleted>> TraceDeletions::Find(std::string_view canvas,
                                                                const RunId& run) {
  ResetLater reset(find_);
  find_.BindText(1, canvas);
  find_.BindBlob(2, run.bytes());
  NJ_ASSIGN(bool there, find_.Step());
  if (!there) return std::optional<proto::TraceDeleted>();
  proto::TraceDeleted deleted;
  deleted.set_canvas(std::string(canvas));
  deleted.set_run_id(run.ToString());
  deleted.set_deleted_unix_us(find_.Int(0));
  deleted.set_by(std::string(find_.Bytes(1)));
  deleted.set_reason(std::string(find_.Bytes(2)));
  return std::optional(std::move(deleted));
}

Status TraceDeletions::ForgetBefore(WallTime time) {
  forget_.BindInt(1, UnixMicros(time));
  return forget_.Run();
}

Status TraceDeletions::AddErasure(const Erasure& erasure) {
  add_erasure_.BindText(1, erasure.object_key);
  add_erasure_.BindText(2, erasure.canvas);
  add_erasure_.BindBlob(3, erasure.run.bytes());
  return add_erasure_.Run();
}

Result<std::vector<TraceDeletions::Erasure>> TraceDeletions::Erasures(const Erasure& after,
                                                                      size_t rows_max) {
  ResetLater reset(erasures_);
  erasures_.BindText(1, after.object_key);
  erasures_.BindBlob(2, after.run.bytes());
  erasures_.BindInt(3, static_cast<int64_t>(rows_max));
  return ReadAll(erasures_);
}

Status TraceDeletions::Finish(const Erasure& erasure) {
  finish_.BindText(1, erasure.object_key);
  finish_.BindBlob(2, erasure.run.bytes());
  return finish_.Run();
}

}  // namespace nightjar
