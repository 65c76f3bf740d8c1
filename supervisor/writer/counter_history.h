// What abuse rules look at, minute by minute and canvas by canvas, as it was counted: counters.db.
//
// A row is a part of one supervisor's slot (ipc/proto/writer.proto, CountersTold), compressed. It
// is there for rules to go on where they were, and to be tried out on what has been: the newest
// bounds::kCounterDays are kept, fewer where they would take more than bounds::kCounterStoreBytes.
// A crash of the host may lose the newest seconds. Blocks; one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "ipc/core/clock.h"
#include "ipc/core/result.h"
#include "ipc/proto/writer.pb.h"
#include "supervisor/writer/sqlite.h"
#include "supervisor/writer/trace_builder.h"

namespace nightjar {

class CounterHistory {
 public:
  static constexpr int kVersion = 1;  // of its file

  // `clock` outlives it. `bytes_max` of the disk.
  static Result<std::unique_ptr<CounterHistory>> Create(const std::string& path, const Clock& clock,
                                                        size_t bytes_max);

  Status Take(const proto::CountersTold& told);
  // Oldest first.
  Result<proto::CounterHistory> List(const proto::CountersWanted& wanted);

 private:
  CounterHistory(std::unique_ptr<Database> db, const Clock& clock, size_t bytes_max)
      : db_(std::move(db)), clock_(clock), bytes_max_(bytes_max) {}
  Status Trim();
  Result<size_t> Bytes();

  std::unique_ptr<Database> db_;  // before the statements, which must be gone when it closes
  const Clock& clock_;
  const size_t bytes_max_;
  Statement put_, walk_, forget_, forget_eighth_, bytes_;
  int64_t trimmed_ = 0;  // the hour when it was done last
  Compressor compressor_;
};

}  // namespace nightjar
