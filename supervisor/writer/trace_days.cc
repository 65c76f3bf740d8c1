#include "supervisor/writer/trace_days.h"

#include <algorithm>
#include <utility>

#include "ipc/core/bounds.h"
#include "supervisor/writer/id_prefix.h"
#include "supervisor/writer/input_fields.h"

namespace nightjar {
namespace {

// DAY stands for the day's digits. Most runs finish, so only the others are indexed by verdict: 1
// is VERDICT_FINISHED.
constexpr const char* kMake = R"(
  CREATE TABLE IF NOT EXISTS traces_DAY (
    canvas TEXT NOT NULL, run_id BLOB NOT NULL, tlid INTEGER NOT NULL, verdict INTEGER NOT NULL,
    caller TEXT NOT NULL, object_key TEXT NOT NULL, row BLOB NOT NULL, touched BLOB NOT NULL,
    UNIQUE (canvas, run_id));
  CREATE INDEX IF NOT EXISTS traces_DAY_tlid ON traces_DAY (canvas, tlid, run_id);
  CREATE INDEX IF NOT EXISTS traces_DAY_caller ON traces_DAY (canvas, caller, run_id);
  CREATE INDEX IF NOT EXISTS traces_DAY_verdict ON traces_DAY (canvas, verdict, run_id)
    WHERE verdict <> 1;
  CREATE TABLE IF NOT EXISTS trace_fn_DAY (
    canvas TEXT NOT NULL, fn TEXT NOT NULL, run_id BLOB NOT NULL,
    PRIMARY KEY (canvas, fn, run_id)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS trace_field_DAY (
    canvas TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, run_id BLOB NOT NULL,
    PRIMARY KEY (canvas, field, value, run_id)) WITHOUT ROWID)";
constexpr const char* kDrop = R"(
  DROP TABLE IF EXISTS traces_DAY;
  DROP TABLE IF EXISTS trace_fn_DAY;
  DROP TABLE IF EXISTS trace_field_DAY)";
constexpr const char* kDays =
    "SELECT substr(name, 8) FROM sqlite_master WHERE type = 'table' AND name GLOB "
    "'traces_[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]' ORDER BY name DESC";

constexpr const char* kAdd =
    "INSERT INTO traces_DAY (canvas, run_id, tlid, verdict, caller, object_key, row, touched) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING 1";
constexpr const char* kAddFunction =
    "INSERT INTO trace_fn_DAY (canvas, fn, run_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
constexpr const char* kAddField =
    "INSERT INTO trace_field_DAY (canvas, field, value, run_id) VALUES (?, ?, ?, ?) "
    "ON CONFLICT DO NOTHING";
constexpr const char* kMove =
    "UPDATE traces_DAY SET object_key = ?1 WHERE canvas = ?2 AND run_id = ?3 AND object_key = ?4";
constexpr const char* kRemove = "DELETE FROM traces_DAY WHERE canvas = ?1 AND run_id = ?2";
constexpr const char* kRemoveFunction =
    "DELETE FROM trace_fn_DAY WHERE canvas = ? AND fn = ? AND run_id = ?";
constexpr const char* kRemoveField =
    "DELETE FROM trace_field_DAY WHERE canvas = ? AND field = ? AND value = ? AND run_id = ?";
constexpr const char* kGet =
    "SELECT row, touched, object_key FROM traces_DAY WHERE canvas = ?1 AND run_id = ?2";

// ?1 canvas, ?2 and ?3 the ids' range, then what the index is of.
constexpr const char* kWalkAll =
    "SELECT row, touched, object_key FROM traces_DAY WHERE canvas = ?1 AND run_id BETWEEN ?2 AND "
    "?3 ORDER BY run_id";
constexpr const char* kWalkHandler =
    "SELECT row, touched, object_key FROM traces_DAY INDEXED BY traces_DAY_tlid "
    "WHERE canvas = ?1 AND tlid = ?4 AND run_id BETWEEN ?2 AND ?3 ORDER BY run_id";
constexpr const char* kWalkCaller =
    "SELECT row, touched, object_key FROM traces_DAY INDEXED BY traces_DAY_caller "
    "WHERE canvas = ?1 AND caller = ?4 AND run_id BETWEEN ?2 AND ?3 ORDER BY run_id";
constexpr const char* kWalkVerdict =
    "SELECT row, touched, object_key FROM traces_DAY INDEXED BY traces_DAY_verdict "
    "WHERE canvas = ?1 AND verdict = ?4 AND verdict <> 1 AND run_id BETWEEN ?2 AND ?3 "
    "ORDER BY run_id";
constexpr const char* kWalkFunction =
    "SELECT row, touched, object_key FROM trace_fn_DAY AS f CROSS JOIN traces_DAY AS t "
    "ON t.canvas = f.canvas AND t.run_id = f.run_id "
    "WHERE f.canvas = ?1 AND f.fn = ?4 AND f.run_id BETWEEN ?2 AND ?3 ORDER BY f.run_id";
constexpr const char* kWalkField =
    "SELECT row, touched, object_key FROM trace_field_DAY AS f CROSS JOIN traces_DAY AS t "
    "ON t.canvas = f.canvas AND t.run_id = f.run_id "
    "WHERE f.canvas = ?1 AND f.field = ?4 AND f.value = ?5 AND f.run_id BETWEEN ?2 AND ?3 "
    "ORDER BY f.run_id";

Result<IndexedTrace> Read(const Statement& found) {
  IndexedTrace trace;
  std::string_view row = found.Bytes(0), touched = found.Bytes(1);
  if (!trace.row.ParseFromArray(row.data(), static_cast<int>(row.size())) ||
      !trace.touched.ParseFromArray(touched.data(), static_cast<int>(touched.size())))
    return Fail(ErrorCode::kProtocol, "a row of the trace index is damaged");
  trace.object_key = found.Bytes(2);
  return trace;
}

bool HasFunction(const proto::TraceTouched& touched, const std::string& name) {
  return std::find(touched.functions().begin(), touched.functions().end(), name) !=
         touched.functions().end();
}

bool HasField(const proto::TraceTouched& touched, const std::string& name, std::string_view value) {
  return std::any_of(touched.fields().begin(), touched.fields().end(), [&](const auto& field) {
    return field.name() == name && field.value() == value;
  });
}

}  // namespace

RunId RunOf(const proto::TraceRow& row) {
  return RunId::Parse(row.run_id()).value_or(RunId());
}

std::string_view CallerAddress(std::string_view caller) {
  if (caller.starts_with('[')) return caller.substr(1, caller.find(']') - 1);
  if (caller.starts_with("uid ")) return caller.substr(0, caller.find(" pid "));
  size_t colon = caller.find(':');
  bool one = colon != caller.npos && caller.find(':', colon + 1) == caller.npos;
  return one ? caller.substr(0, colon) : caller;
}

bool Matches(const proto::ListTraces& question, const IndexedTrace& trace) {
  const proto::TraceRow& row = trace.row;
  if (question.tlid() != 0) {
    if (row.tlid() != question.tlid()) return false;
  } else if (!question.handler().empty() && row.handler() != question.handler()) {
    return false;
  }
  if (question.verdict() != proto::VERDICT_UNSPECIFIED && row.verdict() != question.verdict())
    return false;
  if (question.revision() != 0 && row.revision() != question.revision()) return false;
  if (!question.caller().empty() && CallerAddress(row.caller()) != CallerAddress(question.caller()))
    return false;
  if (!question.function().empty() && !HasFunction(trace.touched, question.function()))
    return false;
  return question.field().empty() ||
         HasField(trace.touched, question.field(), FieldValue(question.field_value()));
}

RunRange RangeOf(const proto::ListTraces& question) {
  // A time within a millisecond rounds up, as ids carry whole ones.
  int64_t since = (question.since_unix_us() + 999) / 1000;
  int64_t until =
      question.until_unix_us() == 0 ? INT64_MAX : (question.until_unix_us() + 999) / 1000 - 1;
  return RangeOf(since, until);
}

Result<TraceDays::Adding*> TraceDays::ForAdding(TraceDay day) {
  if (auto at = adding_.find(day); at != adding_.end()) return at->second.get();
  NJ_TRY(db_.Execute(For(day, kMake).c_str()));
  NJ_TRY(outbox_.OnDayMade(day));
  auto adding = std::make_unique<Adding>();
  NJ_ASSIGN(adding->trace, db_.Prepare(For(day, kAdd).c_str()));
  NJ_ASSIGN(adding->function, db_.Prepare(For(day, kAddFunction).c_str()));
  NJ_ASSIGN(adding->field, db_.Prepare(For(day, kAddField).c_str()));
  // Runs end within a day of their beginning, or a few: more are seen only when an old index is
  // taken over.
  if (adding_.size() == static_cast<size_t>(bounds::kTraceDays.count())) adding_.clear();
  return adding_.emplace(day, std::move(adding)).first->second.get();
}

Result<bool> TraceDays::Add(const RunId& run, const IndexedTrace& trace) {
  NJ_ASSIGN(TraceDay day, TraceDay::Of(run));
  NJ_ASSIGN(Adding * adding, ForAdding(day));
  const std::string row = trace.row.SerializeAsString();
  const std::string touched = trace.touched.SerializeAsString();
  Statement& add = adding->trace;
  {
    ResetLater reset(add);
    add.BindText(1, trace.row.canvas());
    add.BindBlob(2, run.bytes());
    add.BindInt(3, static_cast<int64_t>(trace.row.tlid()));
    add.BindInt(4, trace.row.verdict());
    add.BindText(5, CallerAddress(trace.row.caller()));
    add.BindText(6, trace.object_key);
    add.BindBlob(7, row);
    add.BindBlob(8, touched);
    NJ_ASSIGN(bool added, add.Step());
    if (!added) return false;
    NJ_TRY(add.Step());
  }
  NJ_TRY(AddTouched(*adding, run, trace));
  return true;
}

Status TraceDays::AddTouched(Adding& adding, const RunId& run, const IndexedTrace& trace) {
  for (const std::string& function : trace.touched.functions()) {
    adding.function.BindText(1, trace.row.canvas());
    adding.function.BindText(2, function);
    adding.function.BindBlob(3, run.bytes());
    NJ_TRY(adding.function.Run());
  }
  for (const proto::InputField& field : trace.touched.fields()) {
    adding.field.BindText(1, trace.row.canvas());
    adding.field.BindText(2, field.name());
    adding.field.BindText(3, field.value());
    adding.field.BindBlob(4, run.bytes());
    NJ_TRY(adding.field.Run());
  }
  return {};
}

Result<IndexedTrace> TraceDays::Get(std::string_view canvas, const RunId& run) {
  auto missing = Fail(ErrorCode::kNotFound, "no trace " + run.ToString() + " of this canvas");
  auto day = TraceDay::Of(run);
  if (!day) return missing;
  NJ_ASSIGN(bool exists, Exists(*day));
  if (!exists) return missing;
  NJ_ASSIGN(Statement get, db_.Prepare(For(*day, kGet).c_str()));
  get.BindText(1, canvas);
  get.BindBlob(2, run.bytes());
  NJ_ASSIGN(bool there, get.Step());
  if (!there) return missing;
  return Read(get);
}

Status TraceDays::GetMany(TraceDay day, const std::vector<Name>& names,
                          const std::function<void(size_t which, IndexedTrace&&)>& each) {
  NJ_ASSIGN(bool exists, Exists(day));
  if (!exists) return {};
  NJ_ASSIGN(Statement get, db_.Prepare(For(day, kGet).c_str()));
  for (size_t i = 0; i < names.size(); ++i) {
    ResetLater reset(get);
    get.BindText(1, names[i].canvas);
    get.BindBlob(2, names[i].run.bytes());
    NJ_ASSIGN(bool there, get.Step());
    if (!there) continue;
    NJ_ASSIGN(IndexedTrace trace, Read(get));
    each(i, std::move(trace));
  }
  return {};
}

Result<std::vector<TraceDays::Found>> TraceDays::InRange(const RunRange& range, size_t rows_max) {
  std::vector<Found> found;
  NJ_ASSIGN(std::vector<TraceDay> days, Days());
  for (TraceDay day : days) {
    const RunRange of_day = RangeOf(day);
    if (of_day.last < range.first || of_day.first > range.last) continue;
    NJ_ASSIGN(Statement ask, db_.Prepare(For(day, EachCanvasSql("traces_DAY")).c_str()));
    NJ_TRY(ReadFound(ask, range, rows_max, &found));
  }
  return found;
}

Status TraceDays::ReadFound(Statement& ask, const RunRange& range, size_t rows_max,
                            std::vector<Found>* found) {
  ResetLater reset(ask);
  ask.BindBlob(1, range.first);
  ask.BindBlob(2, range.last);
  ask.BindInt(3, static_cast<int64_t>(rows_max));
  for (;;) {
    NJ_ASSIGN(bool more, ask.Step());
    if (!more) return {};
    if (auto run = RunId::FromBytes(ask.Bytes(1)))
      found->push_back({std::string(ask.Bytes(0)), *run});
  }
}

Status TraceDays::Move(std::string_view canvas, const RunId& run, std::string_view from,
                       std::string_view to) {
  auto day = TraceDay::Of(run);
  if (!day) return tl::unexpected<Error>(day.error());
  NJ_ASSIGN(bool there, Exists(*day));
  if (!there) return {};
  NJ_ASSIGN(Statement move, db_.Prepare(For(*day, kMove).c_str()));
  move.BindText(1, to);
  move.BindText(2, canvas);
  move.BindBlob(3, run.bytes());
  move.BindText(4, from);
  return move.Run();
}

Status TraceDays::Remove(const RunId& run, const IndexedTrace& trace) {
  auto day = TraceDay::Of(run);
  if (!day) return tl::unexpected<Error>(day.error());
  NJ_ASSIGN(bool there, Exists(*day));
  if (!there) return {};
  const std::string& canvas = trace.row.canvas();
  NJ_ASSIGN(Statement remove, db_.Prepare(For(*day, kRemove).c_str()));
  remove.BindText(1, canvas);
  remove.BindBlob(2, run.bytes());
  NJ_TRY(remove.Run());
  NJ_ASSIGN(Statement function, db_.Prepare(For(*day, kRemoveFunction).c_str()));
  for (const std::string& name : trace.touched.functions()) {
    function.BindText(1, canvas);
    function.BindText(2, name);
    function.BindBlob(3, run.bytes());
    NJ_TRY(function.Run());
  }
  NJ_ASSIGN(Statement field, db_.Prepare(For(*day, kRemoveField).c_str()));
  for (const proto::InputField& touched : trace.touched.fields()) {
    field.BindText(1, canvas);
    field.BindText(2, touched.name());
    field.BindText(3, touched.value());
    field.BindBlob(4, run.bytes());
    NJ_TRY(field.Run());
  }
  return {};
}

Status TraceDays::Walk(TraceDay day, const proto::ListTraces& question, const RunRange& range,
                       const std::function<bool(IndexedTrace&&)>& each) {
  // From the index that is expected to offer the fewest to the one that offers all.
  const char* sql = kWalkAll;
  if (!question.field().empty()) {
    sql = kWalkField;
  } else if (!question.function().empty()) {
    sql = kWalkFunction;
  } else if (question.verdict() > proto::VERDICT_FINISHED) {
    sql = kWalkVerdict;
  } else if (!question.caller().empty()) {
    sql = kWalkCaller;
  } else if (question.tlid() != 0) {
    sql = kWalkHandler;
  }
  NJ_ASSIGN(Statement walk, db_.Prepare(For(day, sql).c_str()));
  walk.BindText(1, question.canvas());
  walk.BindBlob(2, range.first);
  walk.BindBlob(3, range.last);
  if (sql == kWalkField) walk.BindText(4, question.field());
  if (sql == kWalkField) walk.BindText(5, FieldValue(question.field_value()));
  if (sql == kWalkFunction) walk.BindText(4, question.function());
  if (sql == kWalkVerdict) walk.BindInt(4, question.verdict());
  if (sql == kWalkCaller) walk.BindText(4, CallerAddress(question.caller()));
  if (sql == kWalkHandler) walk.BindInt(4, static_cast<int64_t>(question.tlid()));
  for (;;) {
    NJ_ASSIGN(bool more, walk.Step());
    if (!more) return {};
    NJ_ASSIGN(IndexedTrace trace, Read(walk));
    if (!each(std::move(trace))) return {};
  }
}

Result<std::vector<TraceDay>> TraceDays::Days() {
  NJ_ASSIGN(Statement ask, db_.Prepare(kDays));
  std::vector<TraceDay> days;
  for (;;) {
    NJ_ASSIGN(bool more, ask.Step());
    if (!more) return days;
    if (auto day = TraceDay::Parse(ask.Bytes(0), TraceDay::Form::kDigits)) days.push_back(*day);
  }
}

Result<bool> TraceDays::Exists(TraceDay day) {
  NJ_ASSIGN(std::vector<TraceDay> days, Days());
  return std::find(days.begin(), days.end(), day) != days.end();
}

Status TraceDays::Drop(TraceDay day) {
  adding_.erase(day);  // a table is not dropped while statements use it
  NJ_TRY(outbox_.OnDayDropped(day));
  return db_.Execute(For(day, kDrop).c_str());
}

}  // namespace nightjar
