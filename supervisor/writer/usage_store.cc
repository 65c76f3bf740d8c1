#include "supervisor/writer/usage_store.h"

#include <cstdio>
#include <map>
#include <optional>
#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/ids.h"
#include "ipc/proto/usage_sum.h"

namespace nightjar {
namespace {

using std::chrono::sys_days;
using std::chrono::sys_seconds;
using Month = std::chrono::year_month;

// MONTH stands for the month's digits.
constexpr const char* kMake = R"(
  CREATE TABLE IF NOT EXISTS usage_MONTH (
    canvas TEXT NOT NULL, hour INTEGER NOT NULL, life BLOB NOT NULL, used BLOB NOT NULL,
    PRIMARY KEY (canvas, hour, life)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS usage_MONTH_hour ON usage_MONTH (hour))";
constexpr const char* kDrop = "DROP TABLE IF EXISTS usage_MONTH";
constexpr const char* kPut =
    "INSERT INTO usage_MONTH (canvas, hour, life, used) VALUES (?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET used = excluded.used";
constexpr const char* kMonths =
    "SELECT substr(name, 7) FROM sqlite_master WHERE type = 'table' AND name GLOB "
    "'usage_[0-9][0-9][0-9][0-9][0-9][0-9]' ORDER BY name";
// ?1 and ?2 the hours' range, ?3 a canvas.
constexpr const char* kWalkCanvas =
    "SELECT canvas, hour, used FROM usage_MONTH WHERE canvas = ?3 AND hour >= ?1 AND hour < ?2 "
    "ORDER BY hour";
constexpr const char* kWalkAll =
    "SELECT canvas, hour, used FROM usage_MONTH INDEXED BY usage_MONTH_hour "
    "WHERE hour >= ?1 AND hour < ?2 AND canvas > ?3 ORDER BY hour";

constexpr int64_t kDay = 24 * 3600;         // in seconds, like the next
constexpr int64_t kYear3000 = 32503680000;  // the digits of a year are four

std::string For(Month month, const char* sql) {
  constexpr std::string_view kPlace = "MONTH";
  char digits[16];
  snprintf(digits, sizeof digits, "%04d%02u", static_cast<int>(month.year()),
           static_cast<unsigned>(month.month()));
  std::string text = sql;
  for (size_t at = 0; (at = text.find(kPlace, at)) != text.npos;)
    text.replace(at, kPlace.size(), digits);
  return text;
}

Month MonthOf(int64_t unix_s) {
  std::chrono::year_month_day day(
      std::chrono::floor<std::chrono::days>(sys_seconds(std::chrono::seconds(unix_s))));
  return day.year() / day.month();
}

int64_t BeginOf(Month month) {
  return sys_seconds(sys_days(month / 1)).time_since_epoch().count();
}

// What a list has a row for.
using Key = std::pair<int64_t, std::string>;  // begin, canvas

Key KeyOf(proto::UsageBy by, int64_t hour, std::string_view canvas) {
  if (by == proto::USAGE_BY_CANVAS) return {0, std::string(canvas)};
  return {by == proto::USAGE_BY_DAY ? hour / kDay * kDay : hour, std::string(canvas)};
}

// The first rows of a list, and the sum of all.
class Sums {
 public:
  // A day is always answered: quotas begin with one.
  explicit Sums(const proto::UsageWanted& wanted)
      : wanted_(wanted), bounded_(wanted.until_unix_s() - wanted.since_unix_s() > kDay) {}

  Status Add(std::string_view canvas, int64_t hour, std::string_view used) {
    if (++looked_ > bounds::kUsageRowsLooked && bounded_)
      return Fail(ErrorCode::kExhausted,
                  "that is more than can be added up at once: ask for a shorter time");
    if (!used_.ParseFromArray(used.data(), static_cast<int>(used.size())))
      return Fail(ErrorCode::kProtocol, "a row of what canvases have used is damaged");
    AddUsage(used_, list_.mutable_sum());
    Key key = KeyOf(wanted_.by(), hour, canvas);
    auto at = rows_.find(key);
    if (at == rows_.end()) {
      bool full = rows_.size() >= wanted_.rows_max();
      if (full) list_.set_more(true);
      if (full && (rows_.empty() || key > rows_.rbegin()->first)) return {};
      at = rows_.emplace(std::move(key), proto::UsageCounters()).first;
      if (full) rows_.erase(std::prev(rows_.end()));
    }
    AddUsage(used_, &at->second);
    return {};
  }

  proto::UsageList Take() {
    for (auto& [key, used] : rows_) {
      proto::UsageRow& row = *list_.add_rows();
      row.set_begins_unix_s(key.first);
      row.set_canvas(key.second);
      *row.mutable_used() = std::move(used);
    }
    return std::move(list_);
  }

 private:
  const proto::UsageWanted& wanted_;
  const bool bounded_;
  proto::UsageList list_;
  std::map<Key, proto::UsageCounters> rows_;
  proto::UsageCounters used_;  // of one row
  size_t looked_ = 0;
};

}  // namespace

Result<std::unique_ptr<UsageStore>> UsageStore::Create(const std::string& path,
                                                       const Clock& clock) {
  NJ_ASSIGN(auto db, Database::Open(path, Durability::kLazy, "", kVersion));
  std::unique_ptr<UsageStore> store(new UsageStore(std::move(db), clock));
  NJ_TRY(store->DropOld());
  return store;
}

UsageStore::Month UsageStore::OldestKept() const {
  Month now = MonthOf(UnixMillis(clock_.Wall()) / 1000);
  return now - std::chrono::months(bounds::kUsageMonths);
}

Result<std::vector<UsageStore::Month>> UsageStore::Months() {
  NJ_ASSIGN(Statement list, db_->Prepare(kMonths));
  std::vector<Month> months;
  for (;;) {
    NJ_ASSIGN(bool more, list.Step());
    if (!more) return months;
    int digits = std::stoi(std::string(list.Bytes(0)));
    months.push_back(std::chrono::year(digits / 100) /
                     std::chrono::month(static_cast<unsigned>(digits % 100)));
  }
}

Status UsageStore::DropOld() {
  Month oldest = OldestKept();
  if (oldest == oldest_) return {};
  NJ_ASSIGN(std::vector<Month> months, Months());
  put_ = Statement();
  open_ = Month();
  for (Month month : months)
    if (month < oldest) NJ_TRY(db_->Execute(For(month, kDrop).c_str()));
  oldest_ = oldest;
  return {};
}

Status UsageStore::OpenMonth(Month month) {
  if (month == open_) return {};
  NJ_TRY(db_->Execute(For(month, kMake).c_str()));
  NJ_ASSIGN(put_, db_->Prepare(For(month, kPut).c_str()));
  open_ = month;
  return {};
}

Status UsageStore::Take(const proto::UsageTold& told) {
  if (!RunId::FromBytes(told.life()))
    return Fail(ErrorCode::kInvalid, "use that nobody has counted");
  NJ_TRY(DropOld());
  NJ_TRY(db_->Execute("BEGIN IMMEDIATE"));
  Status taken = TakeAll(told);
  if (taken) taken = db_->Execute("COMMIT");
  if (taken) return taken;
  // The table may be gone with it.
  put_ = Statement();
  open_ = Month();
  // An error may have rolled it back already.
  if (db_->in_transaction()) (void)db_->Execute("ROLLBACK");
  return taken;
}

Status UsageStore::TakeAll(const proto::UsageTold& told) {
  for (const proto::UsageRow& row : told.rows()) {
    const int64_t hour = row.begins_unix_s();
    if (!IsCanvasName(row.canvas()) || hour < 0 || hour >= kYear3000 || hour % 3600 != 0)
      return Fail(ErrorCode::kInvalid, "use of no hour, or of no canvas");
    if (MonthOf(hour) < oldest_) continue;
    NJ_TRY(OpenMonth(MonthOf(hour)));
    const std::string used = row.used().SerializeAsString();
    put_.BindText(1, row.canvas());
    put_.BindInt(2, hour);
    put_.BindBlob(3, told.life());
    put_.BindBlob(4, used);
    NJ_TRY(put_.Run());
  }
  return {};
}

Result<proto::UsageList> UsageStore::Sum(const proto::UsageWanted& wanted) {
  NJ_ASSIGN(std::vector<Month> months, Months());
  Sums sums(wanted);
  const bool one = !wanted.canvas().empty();
  for (Month month : months) {
    if (BeginOf(month) >= wanted.until_unix_s() ||
        BeginOf(month + std::chrono::months(1)) <= wanted.since_unix_s())
      continue;
    NJ_ASSIGN(Statement walk, db_->Prepare(For(month, one ? kWalkCanvas : kWalkAll).c_str()));
    walk.BindInt(1, wanted.since_unix_s());
    walk.BindInt(2, wanted.until_unix_s());
    walk.BindText(3, one ? wanted.canvas() : wanted.after());
    for (;;) {
      NJ_ASSIGN(bool more, walk.Step());
      if (!more) break;
      NJ_TRY(sums.Add(walk.Bytes(0), walk.Int(1), walk.Bytes(2)));
    }
  }
  proto::UsageList list = sums.Take();
  list.set_since_unix_s(wanted.since_unix_s());
  list.set_until_unix_s(wanted.until_unix_s());
  return list;
}

}  // namespace nightjar
