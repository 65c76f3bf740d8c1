#include "supervisor/writer/shared/shared_index.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"
#include "supervisor/writer/input_fields.h"
#include "supervisor/writer/shared/shared_schema.h"

namespace nightjar::shared {
namespace {

constexpr const char* kClaim =
    "INSERT INTO nightjar.machines (machine, own_index) VALUES ($1, $2) ON CONFLICT DO NOTHING";
constexpr const char* kWhose = "SELECT own_index, told FROM nightjar.machines WHERE machine = $1";
constexpr const char* kTold =
    "UPDATE nightjar.machines SET told = $2, told_at = now() WHERE machine = $1";

// DAY stands for the day's digits, DATE for the day. Traces before what they are found by, here and
// in every join: whoever locks both does it in this order.
constexpr const char* kMakeDay[] = {
    "CREATE TABLE IF NOT EXISTS nightjar.traces_DAY PARTITION OF nightjar.traces FOR VALUES IN "
    "('DATE')",
    "CREATE TABLE IF NOT EXISTS nightjar.trace_fn_DAY PARTITION OF nightjar.trace_fn FOR VALUES IN "
    "('DATE')",
    "CREATE TABLE IF NOT EXISTS nightjar.trace_field_DAY PARTITION OF nightjar.trace_field FOR "
    "VALUES IN ('DATE')",
};
constexpr const char* kDropDay[] = {
    "DROP TABLE IF EXISTS nightjar.traces_DAY",
    "DROP TABLE IF EXISTS nightjar.trace_fn_DAY",
    "DROP TABLE IF EXISTS nightjar.trace_field_DAY",
};
constexpr const char* kIsMade = "SELECT to_regclass('nightjar.trace_field_DAY') IS NOT NULL";
constexpr const char* kHasDay =
    "INSERT INTO nightjar.machine_days (day, machine) VALUES ($1, $2) ON CONFLICT DO NOTHING";
constexpr const char* kDayOver =
    "DELETE FROM nightjar.machine_days WHERE machine = $1 AND day = ANY ($2::date[])";
constexpr const char* kTooOld = "DELETE FROM nightjar.machine_days WHERE day < $1";
// Partitions of days that no machine has any more.
constexpr const char* kUnneeded =
    "SELECT right(c.relname, 8) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
    "WHERE i.inhparent = 'nightjar.traces'::regclass AND NOT EXISTS (SELECT 1 FROM "
    "nightjar.machine_days d WHERE to_char(d.day, 'YYYYMMDD') = right(c.relname, 8))";

constexpr const char* kTellTraces =
    "INSERT INTO nightjar.traces (day, machine, canvas, run_id, tlid, verdict, caller, object_key, "
    "row, touched) SELECT d, $1, c, r, t, v, a, k, w, u FROM unnest($2::date[], $3::text[], "
    "$4::bytea[], $5::bigint[], $6::int[], $7::bytea[], $8::text[], $9::bytea[], $10::bytea[]) "
    "AS x(d, c, r, t, v, a, k, w, u) ON CONFLICT (canvas, run_id, day) DO UPDATE SET "
    "machine = excluded.machine, object_key = excluded.object_key, row = excluded.row, "
    "touched = excluded.touched";
constexpr const char* kTellFunctions =
    "INSERT INTO nightjar.trace_fn (day, canvas, fn, run_id) SELECT * FROM unnest($1::date[], "
    "$2::text[], $3::bytea[], $4::bytea[]) ON CONFLICT DO NOTHING";
constexpr const char* kTellFields =
    "INSERT INTO nightjar.trace_field (day, canvas, field, value, run_id) SELECT * FROM "
    "unnest($1::date[], $2::text[], $3::bytea[], $4::bytea[], $5::bytea[]) ON CONFLICT DO NOTHING";
constexpr const char* kRemove =
    "DELETE FROM nightjar.traces WHERE machine = $1 AND day = $2 AND canvas = $3 AND run_id = $4 "
    "RETURNING row, touched, object_key, machine";
constexpr const char* kRemoveFunction =
    "DELETE FROM nightjar.trace_fn WHERE day = $1 AND canvas = $2 AND fn = $3 AND run_id = $4";
constexpr const char* kRemoveField =
    "DELETE FROM nightjar.trace_field WHERE day = $1 AND canvas = $2 AND field = $3 AND "
    "value = $4 AND run_id = $5";
constexpr const char* kKeep =
    "INSERT INTO nightjar.kept (machine, canvas, tlid, slot, run_id, object_key, row, touched) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (machine, canvas, tlid, slot) DO UPDATE "
    "SET run_id = excluded.run_id, object_key = excluded.object_key, row = excluded.row, "
    "touched = excluded.touched";
constexpr const char* kEmpty =
    "DELETE FROM nightjar.kept WHERE machine = $1 AND canvas = $2 AND tlid = $3 AND slot = $4";
constexpr const char* kHold =
    "INSERT INTO nightjar.holds (machine, canvas, run_id, object_key, row, touched) VALUES "
    "($1, $2, $3, $4, $5, $6) ON CONFLICT (canvas, run_id, machine) DO UPDATE SET "
    "object_key = excluded.object_key, row = excluded.row, touched = excluded.touched";
constexpr const char* kRelease =
    "DELETE FROM nightjar.holds WHERE machine = $1 AND canvas = $2 AND run_id = $3";

constexpr const char* kDays =
    "SELECT DISTINCT to_char(day, 'YYYY-MM-DD') FROM nightjar.machine_days ORDER BY 1 DESC";
// $1 day, $2 canvas, $3 behind this id, $4 up to this one, then what the index is of. Rows of a
// machine that has dropped the day itself are over, whoever else still needs the partition.
constexpr const char* kWalk =
    "SELECT t.row, t.touched, t.object_key, t.machine FROM nightjar.traces t";
constexpr const char* kWhere =
    " WHERE t.day = $1 AND t.canvas = $2 AND t.run_id > $3::bytea AND t.run_id <= $4::bytea AND "
    "t.machine IN (SELECT machine FROM nightjar.machine_days WHERE day = $1)";
constexpr const char* kFunctionJoin =
    " JOIN nightjar.trace_fn f ON f.day = t.day AND f.canvas = t.canvas AND f.run_id = t.run_id";
constexpr const char* kFunctionWhere =
    " AND f.day = $1 AND f.canvas = $2 AND f.fn = $5::bytea AND f.run_id > $3::bytea AND "
    "f.run_id <= $4::bytea ORDER BY f.run_id";
constexpr const char* kFieldJoin =
    " JOIN nightjar.trace_field f ON f.day = t.day AND f.canvas = t.canvas AND "
    "f.run_id = t.run_id";
constexpr const char* kFieldWhere =
    " AND f.day = $1 AND f.canvas = $2 AND f.field = $5::bytea AND f.value = $6::bytea AND "
    "f.run_id > $3::bytea AND f.run_id <= $4::bytea ORDER BY f.run_id";
constexpr const char* kVerdictWhere = " AND t.verdict = $5::int AND t.verdict <> 1";
constexpr const char* kCallerWhere = " AND t.caller = $5::bytea";
constexpr const char* kHandlerWhere = " AND t.tlid = $5::bigint";
constexpr const char* kInOrder = " ORDER BY t.run_id";

// A hold before a slot: it stays.
constexpr const char* kOutlived =
    "SELECT row, touched, object_key, machine FROM (SELECT 0 AS which, row, touched, object_key, "
    "machine, run_id FROM nightjar.holds WHERE canvas = $1 AND run_id BETWEEN $2::bytea AND "
    "$3::bytea UNION ALL SELECT 1, row, touched, object_key, machine, run_id FROM nightjar.kept "
    "WHERE canvas = $1 AND run_id BETWEEN $2::bytea AND $3::bytea) AS o ORDER BY run_id, which "
    "LIMIT $4";
constexpr const char* kGetFromDay =
    "SELECT t.row, t.touched, t.object_key, t.machine FROM nightjar.traces t JOIN "
    "nightjar.machine_days d USING (day, machine) WHERE t.day = $1 AND t.canvas = $2 AND "
    "t.run_id = $3";

// DATE is the day as PostgreSQL has it.
std::string ForPartition(TraceDay day, const char* statement) {
  constexpr std::string_view kPlace = "DATE";
  const std::string date = day.Text();
  std::string sql = For(day, statement);
  for (size_t at = 0; (at = sql.find(kPlace, at)) != sql.npos; at += date.size())
    sql.replace(at, kPlace.size(), date);
  return sql;
}

Result<IndexedTrace> Read(const Rows& rows, int row) {
  IndexedTrace trace;
  if (!trace.row.ParseFromString(rows.Bytes(row, 0)) ||
      !trace.touched.ParseFromString(rows.Bytes(row, 1)))
    return Fail(ErrorCode::kProtocol, "a row of the shared index is damaged");
  trace.object_key = rows.Text(row, 2);
  trace.row.set_machine(std::string(rows.Text(row, 3)));
  return trace;
}

std::string Text(Tlid tlid) {
  return std::to_string(static_cast<int64_t>(tlid));
}

}  // namespace

Result<std::unique_ptr<SharedIndex>> SharedIndex::Open(const PgConnection::Keywords& keywords,
                                                       const std::string& machine,
                                                       const std::string& index,
                                                       const Interrupt& interrupt) {
  NJ_ASSIGN(auto db, PgConnection::Connect(keywords, bounds::kSharedConnectTime, interrupt));
  auto ms = [](auto time) { return std::to_string(std::chrono::milliseconds(time).count()); };
  // The server gives up as well, so that nothing of ours goes on there when nobody waits for it.
  NJ_TRY(db->Do("SET statement_timeout = " + ms(bounds::kSharedCallTime)));
  NJ_TRY(db->Do("SET lock_timeout = " + ms(bounds::kSharedLockTime)));
  NJ_TRY(db->Do("SET idle_in_transaction_session_timeout = " + ms(bounds::kSharedCallTime)));
  NJ_TRY(db->Do("SET client_min_messages = error"));
  NJ_TRY(db->Do("SET bytea_output = hex"));
  NJ_TRY(db->Do("SET datestyle = ISO"));
  std::unique_ptr<SharedIndex> shared(new SharedIndex(std::move(db), machine));
  NJ_ASSIGN(shared->identity_, PrepareSchema(*shared->db_, kVersion));
  NJ_TRY(shared->Claim(index));
  return shared;
}

Status SharedIndex::Claim(const std::string& index) {
  NJ_ASSIGN(Rows whose, db_->Ask(kWhose, {machine_}));
  if (whose.size() == 0) {
    NJ_TRY(db_->Do(kClaim, {machine_, index}));
    NJ_ASSIGN(whose, db_->Ask(kWhose, {machine_}));
  }
  if (whose.size() != 1 || whose.Text(0, 0) != index)
    return Fail(ErrorCode::kExists,
                "the shared index knows another state directory as machine " + machine_ +
                    ": give this one another name (`machine`), or, if that one is gone, delete its "
                    "row from nightjar.machines");
  told_ = whose.Int(0, 1);
  return {};
}

Status SharedIndex::InTransaction(const std::function<Status()>& change) {
  NJ_TRY(db_->Do("BEGIN"));
  Status changed = change();
  if (changed) changed = db_->Do("COMMIT");
  if (!changed && db_->alive()) (void)db_->Do("ROLLBACK");
  return changed;
}

Status SharedIndex::Forget() {
  known_days_.clear();
  return InTransaction([&]() -> Status {
    for (const char* table : {"kept", "holds", "machine_days"})
      NJ_TRY(db_->Do("DELETE FROM nightjar." + std::string(table) + " WHERE machine = $1",
                     {machine_}));
    return db_->Do(kTold, {machine_, "0"});
  });
}

Status SharedIndex::Tell(const Telling& telling, TraceDay today) {
  NJ_TRY(MakeDays(telling));
  Status told = InTransaction([&]() -> Status {
    NJ_TRY(TellTraces(telling.traces));
    NJ_TRY(TellTouched(telling.traces));
    NJ_TRY(TellRemoved(telling.removed));
    NJ_TRY(TellSlots(telling.slots));
    NJ_TRY(TellHolds(telling.holds));
    return db_->Do(kTold, {machine_, std::to_string(telling.newest)});
  });
  // A partition may have been dropped under us.
  if (!told) known_days_.clear();
  NJ_TRY(told);
  if (!telling.days_over.empty()) NJ_TRY(DropDays(telling.days_over, today));
  return {};
}

Status SharedIndex::MakeDays(const Telling& telling) {
  std::set<TraceDay> unknown;
  for (const Telling::Trace& trace : telling.traces)
    if (!known_days_.contains(trace.day)) unknown.insert(trace.day);
  if (unknown.empty()) return {};
  NJ_TRY(InTransaction([&]() -> Status {
    NJ_TRY(db_->Do(kSchemaLock));
    for (TraceDay day : unknown) {
      // Making what is there already would still wait for everybody who reads.
      NJ_ASSIGN(Rows made, db_->Ask(ForPartition(day, kIsMade)));
      if (made.Text(0, 0) != "t")
        for (const char* make : kMakeDay) NJ_TRY(db_->Do(ForPartition(day, make)));
      NJ_TRY(db_->Do(kHasDay, {day.Text(), machine_}));
    }
    return {};
  }));
  known_days_.merge(unknown);
  return {};
}

Status SharedIndex::DropDays(const std::vector<TraceDay>& over, TraceDay today) {
  for (TraceDay day : over) known_days_.erase(day);
  PgArray days;
  for (TraceDay day : over) days.AddText(day.Text());
  return InTransaction([&]() -> Status {
    NJ_TRY(db_->Do(kSchemaLock));
    NJ_TRY(db_->Do(kDayOver, {machine_, days.Take()}));
    NJ_TRY(db_->Do(kTooOld, {today.Before(bounds::kSharedDays).Text()}));
    NJ_ASSIGN(Rows unneeded, db_->Ask(kUnneeded));
    for (int row = 0; row < unneeded.size(); ++row) {
      auto day = TraceDay::Parse(unneeded.Text(row, 0), TraceDay::Form::kDigits);
      if (!day) continue;  // no table of ours
      for (const char* drop : kDropDay) NJ_TRY(db_->Do(ForPartition(*day, drop)));
    }
    return {};
  });
}

Status SharedIndex::TellTraces(const std::vector<Telling::Trace>& traces) {
  if (traces.empty()) return {};
  PgArray day, canvas, run, tlid, verdict, caller, key, row, touched;
  for (const Telling::Trace& one : traces) {
    const proto::TraceRow& is = one.trace.row;
    day.AddText(one.day.Text());
    canvas.AddText(is.canvas());
    run.AddBytes(one.run.bytes());
    tlid.AddInt(static_cast<int64_t>(is.tlid()));
    verdict.AddInt(is.verdict());
    caller.AddBytes(CallerAddress(is.caller()));
    key.AddText(one.trace.object_key);
    row.AddBytes(is.SerializeAsString());
    touched.AddBytes(one.trace.touched.SerializeAsString());
  }
  return db_->Do(kTellTraces,
                 {machine_, day.Take(), canvas.Take(), run.Take(), tlid.Take(), verdict.Take(),
                  caller.Take(), key.Take(), row.Take(), touched.Take()});
}

Status SharedIndex::TellTouched(const std::vector<Telling::Trace>& traces) {
  PgArray fn_day, fn_canvas, fn, fn_run, day, canvas, field, value, run;
  bool any_fn = false, any_field = false;
  for (const Telling::Trace& one : traces) {
    for (const std::string& name : one.trace.touched.functions()) {
      any_fn = true;
      fn_day.AddText(one.day.Text());
      fn_canvas.AddText(one.trace.row.canvas());
      fn.AddBytes(name);
      fn_run.AddBytes(one.run.bytes());
    }
    for (const proto::InputField& touched : one.trace.touched.fields()) {
      any_field = true;
      day.AddText(one.day.Text());
      canvas.AddText(one.trace.row.canvas());
      field.AddBytes(touched.name());
      value.AddBytes(touched.value());
      run.AddBytes(one.run.bytes());
    }
  }
  if (any_fn)
    NJ_TRY(db_->Do(kTellFunctions, {fn_day.Take(), fn_canvas.Take(), fn.Take(), fn_run.Take()}));
  if (any_field)
    NJ_TRY(
        db_->Do(kTellFields, {day.Take(), canvas.Take(), field.Take(), value.Take(), run.Take()}));
  return {};
}

// They are few: somebody deleted each. What one had touched is in its row.
Status SharedIndex::TellRemoved(const std::vector<Telling::Removed>& removed) {
  for (const Telling::Removed& one : removed) {
    const std::string day = one.day.Text(), run = PgBytes(one.run.bytes());
    NJ_ASSIGN(Rows rows, db_->Ask(kRemove, {machine_, day, one.canvas, run}));
    if (rows.size() == 0) continue;
    NJ_ASSIGN(IndexedTrace trace, Read(rows, 0));
    for (const std::string& name : trace.touched.functions())
      NJ_TRY(db_->Do(kRemoveFunction, {day, one.canvas, PgBytes(name), run}));
    for (const proto::InputField& field : trace.touched.fields())
      NJ_TRY(db_->Do(kRemoveField,
                     {day, one.canvas, PgBytes(field.name()), PgBytes(field.value()), run}));
  }
  return {};
}

Status SharedIndex::TellSlots(const std::vector<Telling::Slot>& slots) {
  for (const Telling::Slot& one : slots) {
    const std::string tlid = Text(one.handler.tlid), slot = std::to_string(one.slot);
    if (one.kept)
      NJ_TRY(db_->Do(
          kKeep, {machine_, one.handler.canvas, tlid, slot, PgBytes(RunOf(one.kept->row).bytes()),
                  one.kept->object_key, PgBytes(one.kept->row.SerializeAsString()),
                  PgBytes(one.kept->touched.SerializeAsString())}));
    else
      NJ_TRY(db_->Do(kEmpty, {machine_, one.handler.canvas, tlid, slot}));
  }
  return {};
}

Status SharedIndex::TellHolds(const std::vector<Telling::Held>& holds) {
  for (const Telling::Held& one : holds) {
    const std::string run = PgBytes(one.run.bytes());
    if (one.trace)
      NJ_TRY(db_->Do(kHold, {machine_, one.canvas, run, one.trace->object_key,
                             PgBytes(one.trace->row.SerializeAsString()),
                             PgBytes(one.trace->touched.SerializeAsString())}));
    else
      NJ_TRY(db_->Do(kRelease, {machine_, one.canvas, run}));
  }
  return {};
}

// A list that grows from the newest on.
struct SharedIndex::Listing {
  size_t rows_max = 0;
  MonoTime until;  // then what was not looked at is not
  size_t looked = 0;
  proto::TraceList list;

  bool done() const {
    return list.looked_enough() || static_cast<size_t>(list.traces_size()) >= rows_max;
  }
  void Add(IndexedTrace& trace) {
    if (!done()) *list.add_traces() = std::move(trace.row);
  }
  void Look() {
    if (++looked >= bounds::kListRowsLooked || std::chrono::steady_clock::now() > until)
      list.set_looked_enough(true);
  }
};

Result<std::vector<IndexedTrace>> SharedIndex::Outlived(const proto::ListTraces& question,
                                                        const RunRange& range) {
  NJ_ASSIGN(Rows rows,
            db_->Ask(kOutlived, {question.canvas(), PgBytes(range.first), PgBytes(range.last),
                                 std::to_string(bounds::kListRowsLooked)}));
  std::vector<IndexedTrace> traces;
  for (int row = 0; row < rows.size(); ++row) {
    NJ_ASSIGN(IndexedTrace trace, Read(rows, row));
    if (!Matches(question, trace)) continue;
    if (traces.empty() || traces.back().row.run_id() != trace.row.run_id())
      traces.push_back(std::move(trace));
  }
  return traces;
}

// With the kept and held ones of the same time in between: the day of theirs may be over on their
// machine, or their object elsewhere by now.
Status SharedIndex::WalkDay(const std::string& day, const proto::ListTraces& question,
                            const RunRange& range, Listing& listing) {
  NJ_ASSIGN(std::vector<IndexedTrace> outlived, Outlived(question, range));
  auto next = outlived.begin();
  std::string sql = kWalk;
  std::vector<std::string> more;
  if (!question.field().empty()) {
    sql += std::string(kFieldJoin) + kWhere + kFieldWhere;
    more = {PgBytes(question.field()), PgBytes(FieldValue(question.field_value()))};
  } else if (!question.function().empty()) {
    sql += std::string(kFunctionJoin) + kWhere + kFunctionWhere;
    more = {PgBytes(question.function())};
  } else if (question.verdict() > proto::VERDICT_FINISHED) {
    sql += std::string(kWhere) + kVerdictWhere + kInOrder;
    more = {std::to_string(question.verdict())};
  } else if (!question.caller().empty()) {
    sql += std::string(kWhere) + kCallerWhere + kInOrder;
    more = {PgBytes(CallerAddress(question.caller()))};
  } else if (question.tlid() != 0) {
    sql += std::string(kWhere) + kHandlerWhere + kInOrder;
    more = {Text(question.tlid())};
  } else {
    sql += std::string(kWhere) + kInOrder;
  }
  sql += " LIMIT " + std::to_string(bounds::kSharedPage);
  // The first id ends with a zero, so that everything from it on is behind it without that.
  std::string behind = range.first.substr(0, range.first.size() - 1);
  for (bool more_rows = true; more_rows && !listing.done();) {
    std::vector<std::string> parameters{day, question.canvas(), PgBytes(behind),
                                        PgBytes(range.last)};
    parameters.insert(parameters.end(), more.begin(), more.end());
    NJ_ASSIGN(Rows rows, db_->Ask(sql, parameters));
    more_rows = rows.size() == static_cast<int>(bounds::kSharedPage);
    for (int row = 0; row < rows.size() && !listing.done(); ++row) {
      NJ_ASSIGN(IndexedTrace trace, Read(rows, row));
      const RunId run = RunOf(trace.row);
      behind = run.bytes();
      for (; next != outlived.end() && RunOf(next->row) < run; ++next) listing.Add(*next);
      bool same = next != outlived.end() && RunOf(next->row) == run;
      if (!same && Matches(question, trace)) listing.Add(trace);
      listing.Look();
    }
  }
  for (; next != outlived.end(); ++next) listing.Add(*next);
  return {};
}

Result<proto::TraceList> SharedIndex::List(const proto::ListTraces& question) {
  Listing listing;
  listing.rows_max =
      std::min<size_t>(question.rows_max() == 0 ? 10 : question.rows_max(), bounds::kListRows);
  listing.until = std::chrono::steady_clock::now() + bounds::kSharedCallTime;
  const RunRange asked = RangeOf(question);
  auto within = [&](RunRange range) {
    return RunRange{std::max(asked.first, range.first), std::min(asked.last, range.last)};
  };
  NJ_ASSIGN(Rows days, db_->Ask(kDays));
  int64_t newest_ms = INT64_MAX;
  for (int row = 0; row < days.size() && !listing.done(); ++row) {
    auto day = TraceDay::Parse(days.Text(row, 0));
    if (!day) continue;
    // What outlived of the days between this one and the last is listed with it.
    RunRange range = within(RangeOf(day->unix_ms(), newest_ms));
    newest_ms = day->unix_ms() - 1;
    if (range.first <= range.last) NJ_TRY(WalkDay(day->Text(), question, range, listing));
  }
  RunRange rest = within(RangeOf(0, newest_ms));
  if (!listing.done() && rest.first <= rest.last) {
    NJ_ASSIGN(std::vector<IndexedTrace> outlived, Outlived(question, rest));
    for (IndexedTrace& trace : outlived) listing.Add(trace);
  }
  return std::move(listing.list);
}

Result<IndexedTrace> SharedIndex::Get(std::string_view canvas, const RunId& run) {
  const std::string name(canvas), id = PgBytes(run.bytes());
  NJ_ASSIGN(Rows outlived, db_->Ask(kOutlived, {name, id, id, "1"}));
  if (outlived.size() == 1) return Read(outlived, 0);
  auto day = TraceDay::Of(run);
  if (day) {
    NJ_ASSIGN(Rows found, db_->Ask(kGetFromDay, {day->Text(), name, id}));
    if (found.size() == 1) return Read(found, 0);
  }
  return Fail(ErrorCode::kNotFound, "no machine has a trace " + run.ToString() + " of this canvas");
}

}  // namespace nightjar::shared
