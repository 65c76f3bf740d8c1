#include "supervisor/writer/trace_accounts.h"

#include "ipc/core/log.h"

namespace nightjar {
namespace {

// The budgets stand beside what was spent of them, so that canvases that have used theirs up can be
// counted. Tables that an earlier version does not know do it no harm.
constexpr const char* kMake = R"(
  CREATE TABLE IF NOT EXISTS trace_spending (
    day TEXT NOT NULL, canvas TEXT NOT NULL, events INTEGER NOT NULL, bytes INTEGER NOT NULL,
    events_max INTEGER NOT NULL, bytes_max INTEGER NOT NULL,
    PRIMARY KEY (day, canvas)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS first_traces (
    canvas TEXT NOT NULL, tlid INTEGER NOT NULL, revision INTEGER NOT NULL, run_id BLOB NOT NULL,
    PRIMARY KEY (canvas, tlid)) WITHOUT ROWID)";

constexpr const char* kFind =
    "SELECT events, bytes, events_max, bytes_max FROM trace_spending WHERE day = ? AND canvas = ?";
constexpr const char* kSpend =
    "INSERT INTO trace_spending (day, canvas, events, bytes, events_max, bytes_max) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (day, canvas) DO UPDATE SET "
    "events = events + ?3, bytes = bytes + ?4, events_max = ?5, bytes_max = ?6";
constexpr const char* kDrop = "DELETE FROM trace_spending WHERE day = ?";
constexpr const char* kCount =
    "SELECT count(*) FROM trace_spending WHERE day = ? AND "
    "((events_max > 0 AND events >= events_max) OR (bytes_max > 0 AND bytes >= bytes_max))";
constexpr const char* kFirst =
    "SELECT revision, run_id FROM first_traces WHERE canvas = ? AND tlid = ?";
constexpr const char* kNoteFirst =
    "INSERT INTO first_traces (canvas, tlid, revision, run_id) VALUES (?1, ?2, ?3, ?4) "
    "ON CONFLICT (canvas, tlid) DO UPDATE SET revision = ?3, run_id = ?4";
constexpr const char* kForgetFirst = "DELETE FROM first_traces WHERE canvas = ? AND tlid = ?";

constexpr int kDayShift = 32;

uint64_t DigitsOf(TraceDay day) {
  return std::stoul(day.Text(TraceDay::Form::kDigits));
}

void BindHandler(Statement& statement, const HandlerId& handler) {
  statement.BindText(1, handler.canvas);
  statement.BindInt(2, static_cast<int64_t>(handler.tlid));
}

}  // namespace

Result<std::unique_ptr<TraceAccounts>> TraceAccounts::Create(Database& db, const Clock& clock) {
  NJ_TRY(db.Execute(kMake));
  std::unique_ptr<TraceAccounts> accounts(new TraceAccounts(db, clock));
  NJ_TRY(accounts->PrepareAll());
  NJ_TRY(accounts->CountUsedUp());
  return accounts;
}

Status TraceAccounts::PrepareAll() {
  NJ_ASSIGN(find_, db_.Prepare(kFind));
  NJ_ASSIGN(spend_, db_.Prepare(kSpend));
  NJ_ASSIGN(drop_, db_.Prepare(kDrop));
  NJ_ASSIGN(count_, db_.Prepare(kCount));
  NJ_ASSIGN(first_, db_.Prepare(kFirst));
  NJ_ASSIGN(note_first_, db_.Prepare(kNoteFirst));
  NJ_ASSIGN(forget_first_, db_.Prepare(kForgetFirst));
  return {};
}

Result<TraceAccounts::Account> TraceAccounts::Find(TraceDay day, std::string_view canvas) {
  const std::string digits = day.Text(TraceDay::Form::kDigits);
  ResetLater reset(find_);
  find_.BindText(1, digits);
  find_.BindText(2, canvas);
  NJ_ASSIGN(bool there, find_.Step());
  if (!there) return Account();
  Account account;
  account.spent = {static_cast<uint64_t>(find_.Int(0)), static_cast<uint64_t>(find_.Int(1))};
  proto::TraceRules budgets;
  budgets.set_events_per_day(static_cast<uint64_t>(find_.Int(2)));
  budgets.set_bytes_per_day(static_cast<uint64_t>(find_.Int(3)));
  account.used_up = IsUsedUp(budgets, account.spent);
  return account;
}

Result<TraceSpending> TraceAccounts::Spent(TraceDay day, std::string_view canvas) {
  NJ_ASSIGN(Account account, Find(day, canvas));
  return account.spent;
}

Status TraceAccounts::Spend(TraceDay day, std::string_view canvas, const TraceSpending& more,
                            const proto::TraceRules& rules) {
  NJ_ASSIGN(Account before, Find(day, canvas));
  const std::string digits = day.Text(TraceDay::Form::kDigits);
  spend_.BindText(1, digits);
  spend_.BindText(2, canvas);
  spend_.BindInt(3, static_cast<int64_t>(more.events));
  spend_.BindInt(4, static_cast<int64_t>(more.bytes));
  spend_.BindInt(5, static_cast<int64_t>(rules.events_per_day()));
  spend_.BindInt(6, static_cast<int64_t>(rules.bytes_per_day()));
  NJ_TRY(spend_.Run());
  const TraceSpending spent{before.spent.events + more.events, before.spent.bytes + more.bytes};
  const bool used_up = IsUsedUp(rules, spent);
  if (used_up == before.used_up) return {};
  if (used_up)
    LogWarning("trace_budget_used_up", {{"canvas", canvas},
                                        {"day", day.Text()},
                                        {"events", spent.events},
                                        {"bytes", spent.bytes}});
  return CountUsedUp();
}

Status TraceAccounts::Drop(TraceDay day) {
  const std::string digits = day.Text(TraceDay::Form::kDigits);
  drop_.BindText(1, digits);
  return drop_.Run();
}

Result<bool> TraceAccounts::IsFirst(const HandlerId& handler, RevisionNumber revision,
                                    const RunId& run) {
  ResetLater reset(first_);
  BindHandler(first_, handler);
  NJ_ASSIGN(bool there, first_.Step());
  if (!there) return true;
  auto noted = static_cast<RevisionNumber>(first_.Int(0));
  return revision > noted || (revision == noted && first_.Bytes(1) == run.bytes());
}

Status TraceAccounts::NoteFirst(const HandlerId& handler, RevisionNumber revision,
                                const RunId& run) {
  BindHandler(note_first_, handler);
  note_first_.BindInt(3, static_cast<int64_t>(revision));
  note_first_.BindBlob(4, run.bytes());
  return note_first_.Run();
}

Status TraceAccounts::ForgetFirst(const HandlerId& handler) {
  BindHandler(forget_first_, handler);
  return forget_first_.Run();
}

Status TraceAccounts::CountUsedUp() {
  const TraceDay today = TraceDay::Of(clock_.Wall());
  const std::string digits = today.Text(TraceDay::Form::kDigits);
  ResetLater reset(count_);
  count_.BindText(1, digits);
  NJ_TRY(count_.Step());
  used_up_ = DigitsOf(today) << kDayShift | static_cast<uint64_t>(count_.Int(0));
  return {};
}

// What was counted on another day is over.
uint64_t TraceAccounts::used_up() const {
  const uint64_t counted = used_up_;
  if (counted >> kDayShift != DigitsOf(TraceDay::Of(clock_.Wall()))) return 0;
  return counted & ((uint64_t{1} << kDayShift) - 1);
}

}  // namespace nightjar
