// What canvases have used, by hour, for each supervisor that counted it (a life): usage.db.
//
// A row is one canvas's hour in one life, and is written over as that life goes on, so that it may
// be told any number of times. A month is a table: those that are older than kUsageMonths are
// dropped whole. A crash of the host may lose the newest seconds. Blocks; one thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "ipc/core/clock.h"
#include "ipc/core/result.h"
#include "ipc/proto/writer.pb.h"
#include "supervisor/writer/sqlite.h"

namespace nightjar {

class UsageStore {
 public:
  static constexpr int kVersion = 1;  // of its file

  // `clock` outlives it.
  static Result<std::unique_ptr<UsageStore>> Create(const std::string& path, const Clock& clock);

  // All or none; rows of months that are gone are not kept.
  Status Take(const proto::UsageTold& told);
  // Sums over all lives. kExhausted when too many rows would have to be looked at, of more than a
  // day.
  Result<proto::UsageList> Sum(const proto::UsageWanted& wanted);

 private:
  using Month = std::chrono::year_month;

  UsageStore(std::unique_ptr<Database> db, const Clock& clock)
      : db_(std::move(db)), clock_(clock) {}
  Month OldestKept() const;
  Status TakeAll(const proto::UsageTold& told);
  // Makes the month's table where there is none.
  Status OpenMonth(Month month);
  // Of the oldest first.
  Result<std::vector<Month>> Months();
  Status DropOld();

  std::unique_ptr<Database> db_;  // before the statement, which must be gone when it closes
  const Clock& clock_;
  Month open_{};    // that put_ is for
  Month oldest_{};  // kept when the last ones were dropped
  Statement put_;
};

}  // namespace nightjar
