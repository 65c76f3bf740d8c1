// Traces that an operator holds as evidence, until they are released.
//
// A hold is begun, its object copied, and then it holds: so an object under `evidence/` always has
// a row, and one whose row only begins, or ends, is a leftover that the keeper removes. All SQL
// over holds is here. Inside the owner's transaction; one thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/core/clock.h"
#include "ipc/core/ids.h"
#include "ipc/core/result.h"
#include "supervisor/writer/sqlite.h"
#include "supervisor/writer/trace_days.h"

namespace nightjar {

class TraceHolds {
 public:
  static const char* Schema();
  static Result<std::unique_ptr<TraceHolds>> Create(Database& db);  // outlives the holds

  // kExists: it is held. kExhausted: the canvas has kHoldsPerCanvas.
  Status Begin(const RunId& run, const IndexedTrace& trace, const proto::HoldTrace& order,
               WallTime now);
  // Its object is under EvidenceKey: from now on it holds.
  Status Confirm(std::string_view canvas, const RunId& run);
  // It does not hold any more; what is left of it is a leftover. kNotFound: it does not hold.
  Status BeginRelease(std::string_view canvas, const RunId& run);
  struct Leftover {
    std::string canvas;
    RunId run;
  };
  Result<std::vector<Leftover>> Leftovers(size_t rows_max);
  // Its object is gone.
  Status Remove(const Leftover& leftover);

  // Of one that holds, with the key of its evidence. kNotFound.
  Result<IndexedTrace> Get(std::string_view canvas, const RunId& run);
  // All of a canvas that hold.
  Result<std::vector<IndexedTrace>> Traces(std::string_view canvas);
  // Newest hold first; canvas empty: of all.
  Result<proto::HoldList> List(std::string_view canvas);
  Result<proto::Hold> Find(std::string_view canvas, const RunId& run);

  // Of any canvas, with ids in the range.
  Result<std::vector<TraceDays::Found>> InRange(const RunRange& range, size_t rows_max);

 private:
  explicit TraceHolds(Database& db) : db_(db) {}
  Status PrepareAll();

  Database& db_;
  Statement count_, begin_, set_, leftovers_, remove_, get_, traces_, list_, find_;
};

}  // namespace nightjar
