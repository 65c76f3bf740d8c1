// What the rules for keeping traces have to remember: what each canvas has had stored today, and
// the newest revision of each handler that has a trace.
//
// It changes in the transaction of the trace's row, so that both are there or neither, whoever is
// killed. Only runs with rules come here. All SQL over its tables is here. Inside the owner's
// transaction; one thread, but for used_up().
#pragma once

#include <atomic>
#include <memory>
#include <string_view>

#include "ipc/core/clock.h"
#include "ipc/core/ids.h"
#include "ipc/core/result.h"
#include "supervisor/writer/sqlite.h"
#include "supervisor/writer/trace_day.h"
#include "supervisor/writer/trace_keeping.h"
#include "supervisor/writer/trace_ring.h"

namespace nightjar {

class TraceAccounts {
 public:
  // Both outlive the accounts.
  static Result<std::unique_ptr<TraceAccounts>> Create(Database& db, const Clock& clock);

  Result<TraceSpending> Spent(TraceDay day, std::string_view canvas);
  // `rules` has the budgets as they are now.
  Status Spend(TraceDay day, std::string_view canvas, const TraceSpending& more,
               const proto::TraceRules& rules);
  // The day is over.
  Status Drop(TraceDay day);

  // No run of this revision or a newer one has been noted, but perhaps this run itself.
  Result<bool> IsFirst(const HandlerId& handler, RevisionNumber revision, const RunId& run);
  Status NoteFirst(const HandlerId& handler, RevisionNumber revision, const RunId& run);
  // The handler is gone.
  Status ForgetFirst(const HandlerId& handler);

  // Canvases that have used up a budget of today. Any thread.
  uint64_t used_up() const;
  // Counts them again: a transaction was rolled back.
  Status CountUsedUp();

 private:
  TraceAccounts(Database& db, const Clock& clock) : db_(db), clock_(clock) {}
  Status PrepareAll();
  struct Account {
    TraceSpending spent;
    bool used_up = false;
  };
  Result<Account> Find(TraceDay day, std::string_view canvas);

  Database& db_;
  const Clock& clock_;
  Statement find_, spend_, drop_, count_, first_, note_first_, forget_first_;
  std::atomic<uint64_t> used_up_{0};  // the day's digits, and how many on that day
};

}  // namespace nightjar
