// Tells the index that machines share what this machine's own index has written down for it.
//
// A step takes the oldest names of the outbox, finds what they are by now, tells that in one
// transaction, and removes the names once it is told: after a crash in between it is told again,
// which changes nothing. A database that this index has never told, or one that knows more than
// this index (it was restored from a copy), is told everything. What the server refuses as such is
// narrowed down to one name and left out. The feed asks the archive's thread for rows, and blocks;
// one thread, but for the counts.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "ipc/core/bounds.h"
#include "ipc/core/clock.h"
#include "supervisor/writer/archive.h"
#include "supervisor/writer/shared/shared_index.h"

namespace nightjar::shared {

class SharedFeed {
 public:
  // Runs the call on the archive's thread and waits for its end. False: it will not run.
  using OnArchive = std::function<bool(const std::function<void(Archive&)>&)>;
  struct Where {
    PgConnection::Keywords keywords;
    std::string machine;
  };
  // `clock` and `interrupt` outlive it.
  SharedFeed(Where where, OnArchive on_archive, const Clock& clock, const Interrupt& interrupt);

  // True: there may be more to tell.
  Result<bool> Step();
  Result<proto::TraceList> List(const proto::ListTraces& question);
  Result<IndexedTrace> Get(const std::string& canvas, const RunId& run);
  Result<TraceOutbox::Length> Measure();

  struct Counts {
    std::atomic<uint64_t> told{0}, refused{0}, left_untold{0};
  };
  const Counts& counts() const { return counts_; }
  const std::string& machine() const { return where_.machine; }

 private:
  struct Taken {
    Telling telling;
    int64_t first = 0, last = 0;  // of the outbox's entries
    size_t entries = 0;
  };
  template <typename T>
  Result<T> Ask(const std::function<Result<T>(Archive&)>& question);
  Status Connect();
  Result<Taken> Take();
  Status FindTraces(TraceIndex& index, const std::vector<TraceOutbox::Entry>& entries,
                    Taken& taken);
  Status OnRefused(const Taken& taken, const Error& error);
  // What is wrong with the connection is known once it is asked.
  template <typename T>
  Result<T> Connected(const std::function<Result<T>(SharedIndex&)>& question);

  const Where where_;
  const OnArchive on_archive_;
  const Clock& clock_;
  const Interrupt& interrupt_;
  std::unique_ptr<SharedIndex> index_;      // null: not connected
  int64_t told_first_ = 0, told_last_ = 0;  // entries that are to be removed; 0: none
  size_t batch_max_ = bounds::kSharedBatch;
  Counts counts_;
};

}  // namespace nightjar::shared
