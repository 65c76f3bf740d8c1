// The index that machines share, in PostgreSQL: what each of them has told of its traces.
//
// Every machine writes its own rows only, and the same telling may come twice. Traces lie in one
// partition a day, made on demand and dropped whole, once no machine needs it: a machine says which
// days it still has. Kept and held traces have tables of their own, as in a machine's own index.
// All SQL for PostgreSQL is here and in shared_schema. Calls block, for bounded times; one thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "supervisor/writer/shared/pg_connection.h"
#include "supervisor/writer/trace_days.h"
#include "supervisor/writer/trace_ring.h"

namespace nightjar::shared {

// What one machine has to say. Nothing in it is there twice.
struct Telling {
  struct Trace {
    RunId run;
    TraceDay day;
    IndexedTrace trace;
  };
  struct Slot {
    HandlerId handler;
    unsigned slot = 0;
    std::optional<IndexedTrace> kept;  // nullopt: nothing is kept in it
  };
  struct Held {
    std::string canvas;
    RunId run;
    std::optional<IndexedTrace> trace;  // nullopt: it is not held
  };
  struct Removed {
    std::string canvas;
    RunId run;
    TraceDay day;
  };
  std::vector<Trace> traces;
  std::vector<Removed> removed;  // traces that the machine does not have any more
  std::vector<Slot> slots;
  std::vector<Held> holds;
  std::vector<TraceDay> days_over;
  int64_t newest = 0;  // of its outbox's entries
};

class SharedIndex {
 public:
  static constexpr int kVersion = 1;  // of the schema

  // Makes the schema if it is not there. `machine` is this one's name, `index` the identity of its
  // own index. kExists: that name is another index's. kUnsupported: a newer version's schema.
  static Result<std::unique_ptr<SharedIndex>> Open(const PgConnection::Keywords& keywords,
                                                   const std::string& machine,
                                                   const std::string& index,
                                                   const Interrupt& interrupt);

  // Of this database. Whoever has told another one begins anew.
  const std::string& identity() const { return identity_; }
  // Up to where this machine has told.
  int64_t told() const { return told_; }
  // Forgets what this machine has told of kept and held traces and of its days.
  Status Forget();

  // Wholly or not at all, but for days, which are made before and dropped after.
  Status Tell(const Telling& telling, TraceDay today);

  // As of TraceIndex, with the machine in each row.
  Result<proto::TraceList> List(const proto::ListTraces& question);
  Result<IndexedTrace> Get(std::string_view canvas, const RunId& run);

  bool alive() const { return db_->alive(); }

 private:
  SharedIndex(std::unique_ptr<PgConnection> db, std::string machine)
      : db_(std::move(db)), machine_(std::move(machine)) {}
  Status Claim(const std::string& index);
  Status InTransaction(const std::function<Status()>& change);
  Status MakeDays(const Telling& telling);
  Status DropDays(const std::vector<TraceDay>& over, TraceDay today);
  Status TellTraces(const std::vector<Telling::Trace>& traces);
  Status TellRemoved(const std::vector<Telling::Removed>& removed);
  Status TellTouched(const std::vector<Telling::Trace>& traces);
  Status TellSlots(const std::vector<Telling::Slot>& slots);
  Status TellHolds(const std::vector<Telling::Held>& holds);

  struct Listing;
  Result<std::vector<IndexedTrace>> Outlived(const proto::ListTraces& question,
                                             const RunRange& range);
  Status WalkDay(const std::string& day, const proto::ListTraces& question, const RunRange& range,
                 Listing& listing);

  std::unique_ptr<PgConnection> db_;
  const std::string machine_;
  std::string identity_;
  int64_t told_ = 0;
  std::set<TraceDay> known_days_;  // that have partitions, and this machine among their machines
};

}  // namespace nightjar::shared
