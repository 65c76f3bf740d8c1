#include "supervisor/writer/incident_lists.h"

#include <algorithm>
#include <map>
#include <utility>

#include "ipc/core/bounds.h"

namespace nightjar {
namespace {

// Until they are read out of an incident, the columns are NULL.
constexpr const char* kSchema = R"(
  ALTER TABLE incidents ADD COLUMN code_sha256 TEXT;
  ALTER TABLE incidents ADD COLUMN caller TEXT;
  CREATE INDEX incidents_by_verdict ON incidents (verdict, run_id);
  CREATE INDEX incidents_by_cause ON incidents (canvas, verdict, run_id);
  CREATE INDEX incidents_by_code ON incidents (code_sha256, verdict, run_id)
    WHERE code_sha256 <> '';
  CREATE INDEX incidents_by_caller ON incidents (caller, verdict, run_id) WHERE caller <> '';
  CREATE INDEX incidents_unread ON incidents (run_id) WHERE caller IS NULL)";

constexpr size_t kTakenAtOnce = 500;

// ?1 and ?2 the ids' range, ?3 the most rows, ?4 the verdict, ?5 the key.
constexpr const char* kRange = "run_id BETWEEN ?1 AND ?2";
constexpr const char* kVerdict = " AND verdict = ?4";
constexpr const char* kKey[] = {"", " AND canvas = ?5",
                                " AND code_sha256 = ?5 AND code_sha256 <> ''",
                                " AND caller = ?5 AND caller <> ''"};
constexpr const char* kIndexes[] = {"incidents_by_verdict", "incidents_by_cause",
                                    "incidents_by_code", "incidents_by_caller"};
constexpr const char* kColumns =
    "SELECT run_id, canvas, handler, verdict, at_us, detail, caller, code_sha256 FROM incidents ";

constexpr const char* kInRange =
    "SELECT canvas, run_id FROM incidents WHERE run_id BETWEEN ?1 AND ?2 ORDER BY run_id LIMIT ?3";
constexpr const char* kUnread =
    "SELECT rowid, incident FROM incidents INDEXED BY incidents_unread WHERE caller IS NULL LIMIT "
    "?";
constexpr const char* kRead = "UPDATE incidents SET code_sha256 = ?2, caller = ?3 WHERE rowid = ?1";

proto::IncidentRow RowIn(const Statement& found) {
  proto::IncidentRow row;
  row.set_run_id(RunId::FromBytes(found.Bytes(0)).value_or(RunId()).ToString());
  row.set_canvas(std::string(found.Bytes(1)));
  row.set_handler(std::string(found.Bytes(2)));
  row.set_verdict(static_cast<proto::Verdict>(found.Int(3)));
  row.set_at_unix_us(found.Int(4));
  row.set_detail(std::string(found.Bytes(5)));
  row.set_caller(std::string(found.Bytes(6)));
  row.set_code_sha256(std::string(found.Bytes(7)));
  return row;
}

size_t RowsOf(uint32_t asked) {
  return std::min<size_t>(asked == 0 ? 10 : asked, bounds::kListRows);
}

}  // namespace

const char* IncidentLists::Schema() {
  return kSchema;
}

Result<std::unique_ptr<IncidentLists>> IncidentLists::Create(Database& db) {
  std::unique_ptr<IncidentLists> lists(new IncidentLists(db));
  NJ_TRY(lists->PrepareAll());
  return lists;
}

Status IncidentLists::PrepareAll() {
  for (int key = 0; key < kKeys; ++key) {
    std::string from =
        std::string("INDEXED BY ") + kIndexes[key] + " WHERE " + kRange + kVerdict + kKey[key];
    std::string rows = kColumns + from + " ORDER BY run_id LIMIT ?3";
    std::string count = "SELECT COUNT(*) FROM (SELECT 1 FROM incidents " + from + " LIMIT ?3)";
    NJ_ASSIGN(rows_[key], db_.Prepare(rows.c_str()));
    NJ_ASSIGN(count_[key], db_.Prepare(count.c_str()));
  }
  for (Key key : {kAll, kCanvas}) {
    std::string rows =
        std::string(kColumns) + "WHERE " + kRange + kKey[key] + " ORDER BY run_id LIMIT ?3";
    NJ_ASSIGN(any_[key], db_.Prepare(rows.c_str()));
  }
  NJ_ASSIGN(in_range_, db_.Prepare(kInRange));
  NJ_ASSIGN(unread_, db_.Prepare(kUnread));
  NJ_ASSIGN(read_, db_.Prepare(kRead));
  return {};
}

// One that is damaged is found by nothing but its id; a walk along the chain tells it.
Result<bool> IncidentLists::TakeOverSome(uint64_t* taken) {
  struct Columns {
    int64_t row = 0;
    std::string code, caller;
  };
  std::vector<Columns> some;
  {
    ResetLater reset(unread_);
    unread_.BindInt(1, static_cast<int64_t>(kTakenAtOnce));
    for (;;) {
      NJ_ASSIGN(bool more, unread_.Step());
      if (!more) break;
      proto::Incident incident;
      std::string_view bytes = unread_.Bytes(1);
      if (!incident.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) incident.Clear();
      some.push_back(
          {unread_.Int(0), incident.code_sha256(), std::string(CallerAddress(incident.caller()))});
    }
  }
  for (const Columns& one : some) {
    read_.BindInt(1, one.row);
    read_.BindText(2, one.code);
    read_.BindText(3, one.caller);
    NJ_TRY(read_.Run());
  }
  *taken += some.size();
  return some.size() == kTakenAtOnce;
}

Result<uint64_t> IncidentLists::TakeOver() {
  uint64_t taken = 0;
  NJ_TRY(db_.Execute("BEGIN IMMEDIATE"));
  Result<bool> more = true;
  while (more && *more) more = TakeOverSome(&taken);
  Status done = more ? db_.Execute("COMMIT") : Status(tl::unexpected<Error>(more.error()));
  if (!done && db_.in_transaction()) (void)db_.Execute("ROLLBACK");
  if (!done) return tl::unexpected<Error>(done.error());
  return taken;
}

void IncidentLists::Bind(Statement& statement, const Wanted& wanted) {
  statement.BindBlob(1, wanted.range.first);
  statement.BindBlob(2, wanted.range.last);
  statement.BindInt(3, static_cast<int64_t>(wanted.rows_max));
  if (wanted.verdict != proto::VERDICT_UNSPECIFIED) statement.BindInt(4, wanted.verdict);
  if (wanted.key != kAll) statement.BindText(5, wanted.value);
}

// Without a verdict, those of each: an index of a code's or a caller's incidents has them apart.
Result<std::vector<proto::IncidentRow>> IncidentLists::Rows(const Wanted& wanted) {
  std::vector<proto::IncidentRow> rows;
  bool any = wanted.verdict == proto::VERDICT_UNSPECIFIED;
  if (any && wanted.key >= kCode) {
    for (int verdict = 1; verdict < proto::Verdict_ARRAYSIZE; ++verdict) {
      Wanted one = wanted;
      one.verdict = static_cast<proto::Verdict>(verdict);
      NJ_ASSIGN(auto some, Rows(one));
      std::move(some.begin(), some.end(), std::back_inserter(rows));
    }
    std::sort(rows.begin(), rows.end(),
              [](const auto& a, const auto& b) { return a.run_id() < b.run_id(); });
    if (rows.size() > wanted.rows_max) rows.resize(wanted.rows_max);
    return rows;
  }
  Statement& ask = any ? any_[wanted.key] : rows_[wanted.key];
  ResetLater reset(ask);
  Bind(ask, wanted);
  for (;;) {
    NJ_ASSIGN(bool more, ask.Step());
    if (!more) return rows;
    rows.push_back(RowIn(ask));
  }
}

Result<uint64_t> IncidentLists::Count(const Wanted& wanted) {
  ResetLater reset(count_[wanted.key]);
  Bind(count_[wanted.key], wanted);
  NJ_TRY(count_[wanted.key].Step());
  return static_cast<uint64_t>(count_[wanted.key].Int(0));
}

Result<proto::IncidentList> IncidentLists::List(const proto::ListIncidents& question) {
  Wanted wanted;
  auto by = [&](Key key, std::string_view value) {
    if (value.empty()) return;
    wanted.key = key;
    wanted.value = value;
  };
  by(kCanvas, question.canvas());
  by(kCode, question.code_sha256());
  by(kCaller, CallerAddress(question.caller()));
  wanted.verdict = question.verdict();
  const int64_t until_ms = (question.until_unix_us() + 999) / 1000;
  wanted.range =
      RangeOf((question.since_unix_us() + 999) / 1000, until_ms == 0 ? INT64_MAX : until_ms - 1);
  const size_t rows_max = RowsOf(question.rows_max());
  wanted.rows_max = rows_max + 1;
  NJ_ASSIGN(auto rows, Rows(wanted));
  proto::IncidentList list;
  list.set_more(rows.size() > rows_max);
  if (list.more()) rows.pop_back();
  for (proto::IncidentRow& row : rows) *list.add_incidents() = std::move(row);
  return list;
}

Result<proto::SimilarIncidents> IncidentLists::SimilarTo(const proto::Incident& incident) {
  proto::SimilarIncidents similar;
  std::map<std::string, proto::IncidentRow> newest;  // by id: the newest first
  for (Key key : {kCanvas, kCode, kCaller}) {
    Wanted wanted;
    wanted.key = key;
    wanted.value = key == kCanvas ? incident.canvas()
                   : key == kCode ? incident.code_sha256()
                                  : std::string(CallerAddress(incident.caller()));
    if (wanted.value.empty()) continue;
    wanted.verdict = incident.verdict();
    wanted.range = RangeOf(0, INT64_MAX);
    wanted.rows_max = bounds::kSimilarCounted + 2;  // itself, and one more than is counted
    NJ_ASSIGN(uint64_t count, Count(wanted));
    count = count == 0 ? 0 : count - 1;
    key == kCanvas ? similar.set_of_canvas(count)
    : key == kCode ? similar.set_of_code(count)
                   : similar.set_of_caller(count);
    wanted.rows_max = bounds::kSimilarShown + 1;
    NJ_ASSIGN(auto rows, Rows(wanted));
    for (proto::IncidentRow& row : rows)
      if (row.run_id() != incident.run_id()) newest.emplace(row.run_id(), std::move(row));
  }
  for (auto& [id, row] : newest) {
    if (similar.newest_size() == static_cast<int>(bounds::kSimilarShown)) break;
    *similar.add_newest() = std::move(row);
  }
  return similar;
}

Result<std::vector<TraceDays::Found>> IncidentLists::InRange(const RunRange& range,
                                                             size_t rows_max) {
  std::vector<TraceDays::Found> found;
  NJ_TRY(TraceDays::ReadFound(in_range_, range, rows_max, &found));
  return found;
}

}  // namespace nightjar
