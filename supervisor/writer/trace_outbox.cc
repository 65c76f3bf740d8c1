#include "supervisor/writer/trace_outbox.h"

#include <algorithm>

#include "ipc/core/bounds.h"

namespace nightjar {
namespace {

// kind: 0 a trace, 1 a slot, 2 a hold, 3 a day that is over, whose digits are in tlid. A number is
// never used again: while some are being told, the newest may be deleted. Of all but traces, only
// the newest entry stays.
constexpr const char* kSchema = R"(
  CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, canvas TEXT NOT NULL,
    run_id BLOB, tlid INTEGER, slot INTEGER);
  CREATE INDEX outbox_named ON outbox (kind, canvas, tlid, slot, run_id) WHERE kind <> 0;
  CREATE TABLE outbox_names (
    one INTEGER PRIMARY KEY CHECK (one = 1), fed TEXT NOT NULL, this_index TEXT NOT NULL);
  INSERT INTO outbox_names VALUES (1, '', lower(hex(randomblob(16)))))";

// DAY stands for the day's digits.
constexpr const char* kWatchDay = R"(
  CREATE TRIGGER IF NOT EXISTS traces_DAY_added AFTER INSERT ON traces_DAY BEGIN
    INSERT INTO outbox (kind, canvas, run_id) VALUES (0, NEW.canvas, NEW.run_id); END;
  CREATE TRIGGER IF NOT EXISTS traces_DAY_moved AFTER UPDATE ON traces_DAY BEGIN
    INSERT INTO outbox (kind, canvas, run_id) VALUES (0, NEW.canvas, NEW.run_id); END;
  CREATE TRIGGER IF NOT EXISTS traces_DAY_removed AFTER DELETE ON traces_DAY BEGIN
    INSERT INTO outbox (kind, canvas, run_id) VALUES (0, OLD.canvas, OLD.run_id); END)";
constexpr const char* kUnwatchDay = R"(
  DROP TRIGGER IF EXISTS traces_DAY_added;
  DROP TRIGGER IF EXISTS traces_DAY_moved;
  DROP TRIGGER IF EXISTS traces_DAY_removed)";

// A slot whose trace is its day's still is of no interest to anybody else.
constexpr const char* kWatchRest = R"(
  CREATE TRIGGER IF NOT EXISTS ring_changed AFTER UPDATE ON ring
    WHEN OLD.kept <> 0 OR NEW.kept <> 0 BEGIN
    DELETE FROM outbox WHERE kind = 1 AND kind <> 0 AND canvas = NEW.canvas AND tlid = NEW.tlid
      AND slot = NEW.slot;
    INSERT INTO outbox (kind, canvas, tlid, slot) VALUES (1, NEW.canvas, NEW.tlid, NEW.slot); END;
  CREATE TRIGGER IF NOT EXISTS ring_emptied AFTER DELETE ON ring WHEN OLD.kept <> 0 BEGIN
    DELETE FROM outbox WHERE kind = 1 AND kind <> 0 AND canvas = OLD.canvas AND tlid = OLD.tlid
      AND slot = OLD.slot;
    INSERT INTO outbox (kind, canvas, tlid, slot) VALUES (1, OLD.canvas, OLD.tlid, OLD.slot); END;
  CREATE TRIGGER IF NOT EXISTS holds_changed AFTER UPDATE OF holds ON holds BEGIN
    DELETE FROM outbox WHERE kind = 2 AND kind <> 0 AND canvas = NEW.canvas AND run_id = NEW.run_id;
    INSERT INTO outbox (kind, canvas, run_id) VALUES (2, NEW.canvas, NEW.run_id); END)";
constexpr const char* kUnwatchRest = R"(
  DROP TRIGGER IF EXISTS ring_changed;
  DROP TRIGGER IF EXISTS ring_emptied;
  DROP TRIGGER IF EXISTS holds_changed)";

constexpr const char* kAllOfDay =
    "INSERT INTO outbox (kind, canvas, run_id) SELECT 0, canvas, run_id FROM traces_DAY";
constexpr const char* kAllKept =
    "INSERT INTO outbox (kind, canvas, tlid, slot) SELECT 1, canvas, tlid, slot FROM ring "
    "WHERE kept <> 0";
constexpr const char* kAllHeld =
    "INSERT INTO outbox (kind, canvas, run_id) SELECT 2, canvas, run_id FROM holds WHERE holds = 1";

constexpr const char* kOldest =
    "SELECT seq, kind, canvas, run_id, tlid, slot FROM outbox ORDER BY seq LIMIT ?";
constexpr const char* kRemove = "DELETE FROM outbox WHERE seq BETWEEN ? AND ?";
constexpr const char* kCount = "SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT ?)";
constexpr const char* kOldestTrace =
    "SELECT run_id FROM outbox WHERE kind = 0 ORDER BY seq LIMIT 1";
constexpr const char* kWho = "SELECT fed, this_index FROM outbox_names";
constexpr const char* kNewest = "SELECT max(seq) FROM sqlite_sequence WHERE name = 'outbox'";
constexpr const char* kSetFed = "UPDATE outbox_names SET fed = ?";
constexpr const char* kForgetDay =
    "DELETE FROM outbox WHERE kind = 0 AND run_id BETWEEN ? AND ? RETURNING 1";
constexpr const char* kAddDayOver =
    "INSERT INTO outbox (kind, canvas, tlid, slot) VALUES (3, '', ?, 0)";

Error Damaged() {
  return {ErrorCode::kProtocol, 0, "an entry of the outbox is damaged"};
}

Result<TraceOutbox::Entry> Read(const Statement& found) {
  using Kind = TraceOutbox::Entry::Kind;
  TraceOutbox::Entry entry;
  entry.seq = found.Int(0);
  entry.kind = static_cast<Kind>(found.Int(1));
  entry.canvas = found.Bytes(2);
  if (entry.kind == Kind::kDayOver) {
    auto day = TraceDay::Parse(std::to_string(found.Int(4)), TraceDay::Form::kDigits);
    if (!day) return tl::unexpected<Error>(Damaged());
    entry.day = *day;
  } else if (entry.kind == Kind::kSlot) {
    entry.tlid = static_cast<Tlid>(found.Int(4));
    entry.slot = static_cast<unsigned>(found.Int(5));
  } else {
    auto run = RunId::FromBytes(found.Bytes(3));
    if (!run) return tl::unexpected<Error>(Damaged());
    entry.run = *run;
  }
  return entry;
}

}  // namespace

const char* TraceOutbox::Schema() {
  return kSchema;
}

Status TraceOutbox::TurnOn(const std::vector<TraceDay>& days) {
  on_ = true;
  NJ_TRY(db_.Execute(kWatchRest));
  for (TraceDay day : days) NJ_TRY(OnDayMade(day));
  return {};
}

Status TraceOutbox::TurnOff(const std::vector<TraceDay>& days) {
  on_ = false;
  NJ_TRY(db_.Execute(kUnwatchRest));
  for (TraceDay day : days) NJ_TRY(db_.Execute(For(day, kUnwatchDay).c_str()));
  NJ_TRY(db_.Execute("DELETE FROM outbox"));
  return db_.Execute("UPDATE outbox_names SET fed = ''");
}

Result<std::vector<TraceOutbox::Entry>> TraceOutbox::Oldest(size_t rows_max) {
  NJ_ASSIGN(Statement ask, db_.Prepare(kOldest));
  ask.BindInt(1, static_cast<int64_t>(rows_max));
  std::vector<Entry> entries;
  for (;;) {
    NJ_ASSIGN(bool more, ask.Step());
    if (!more) return entries;
    NJ_ASSIGN(Entry entry, Read(ask));
    entries.push_back(std::move(entry));
  }
}

Status TraceOutbox::Remove(int64_t first_seq, int64_t last_seq) {
  NJ_ASSIGN(Statement remove, db_.Prepare(kRemove));
  remove.BindInt(1, first_seq);
  remove.BindInt(2, last_seq);
  return remove.Run();
}

Result<TraceOutbox::Length> TraceOutbox::Measure() {
  Length length;
  length.left_untold = left_untold_;
  NJ_ASSIGN(Statement count, db_.Prepare(kCount));
  count.BindInt(1, static_cast<int64_t>(bounds::kOutboxCounted));
  NJ_TRY(count.Step());
  length.rows = static_cast<uint64_t>(count.Int(0));
  NJ_ASSIGN(Statement oldest, db_.Prepare(kOldestTrace));
  NJ_ASSIGN(bool there, oldest.Step());
  if (!there) return length;
  if (auto run = RunId::FromBytes(oldest.Bytes(0))) length.received_ms = run->unix_ms();
  return length;
}

Result<TraceOutbox::Names> TraceOutbox::Who() {
  Names names;
  NJ_ASSIGN(Statement who, db_.Prepare(kWho));
  NJ_TRY(who.Step());
  names.fed = who.Bytes(0);
  names.index = who.Bytes(1);
  NJ_ASSIGN(Statement newest, db_.Prepare(kNewest));
  NJ_TRY(newest.Step());
  names.newest = newest.Int(0);
  return names;
}

Status TraceOutbox::FeedAnew(const std::string& fed, const std::vector<TraceDay>& days) {
  NJ_TRY(db_.Execute("DELETE FROM outbox"));
  std::vector<TraceDay> oldest_first = days;
  std::sort(oldest_first.begin(), oldest_first.end());
  for (TraceDay day : oldest_first) NJ_TRY(db_.Execute(For(day, kAllOfDay).c_str()));
  NJ_TRY(db_.Execute(kAllKept));
  NJ_TRY(db_.Execute(kAllHeld));
  NJ_ASSIGN(Statement set, db_.Prepare(kSetFed));
  set.BindText(1, fed);
  return set.Run();
}

Status TraceOutbox::OnDayMade(TraceDay day) {
  if (!on_) return {};
  return db_.Execute(For(day, kWatchDay).c_str());
}

// One walk over the outbox a day; it is short, but for an outage.
Status TraceOutbox::OnDayDropped(TraceDay day) {
  if (!on_) return {};
  const RunRange range = RangeOf(day);
  NJ_ASSIGN(Statement forget, db_.Prepare(kForgetDay));
  forget.BindBlob(1, range.first);
  forget.BindBlob(2, range.last);
  for (;;) {
    NJ_ASSIGN(bool one, forget.Step());
    if (!one) break;
    ++left_untold_;
  }
  NJ_ASSIGN(Statement over, db_.Prepare(kAddDayOver));
  over.BindInt(1, std::stoll(day.Text(TraceDay::Form::kDigits)));
  return over.Run();
}

}  // namespace nightjar
