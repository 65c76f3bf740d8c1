// Traces that an operator deleted: that they were, for as long as a trace is kept, and which
// objects are still to be relieved of them.
//
// A deletion takes the rows and writes down the objects in one transaction; the keeper then erases
// object by object and strikes each out. So what a crash leaves is a row here, and nothing is ever
// looked for. A deleted run that comes again, from the supervisor or in a pack, is known by its
// row. All SQL over deletions is here. Inside the owner's transaction; one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/core/clock.h"
#include "ipc/core/ids.h"
#include "ipc/core/result.h"
#include "ipc/proto/control.pb.h"
#include "ipc/proto/writer.pb.h"
#include "supervisor/writer/sqlite.h"

namespace nightjar {

// "2026-11-24 by uid 0: a customer asked"
std::string DeletedText(const proto::TraceDeleted& deleted);

class TraceDeletions {
 public:
  // Makes what is missing of its tables: an index of before them has none.
  static const char* Schema();
  static Result<std::unique_ptr<TraceDeletions>> Create(Database& db);  // outlives this

  Status Add(const RunId& run, const proto::DeleteTrace& order, WallTime now);
  // nullopt: it was not deleted, or so long ago that nobody knows.
  Result<std::optional<proto::TraceDeleted>> Find(std::string_view canvas, const RunId& run);
  Status ForgetBefore(WallTime time);

  // Of an object that may hold something of a deleted run.
  struct Erasure {
    std::string object_key;
    std::string canvas;
    RunId run;
  };
  Status AddErasure(const Erasure& erasure);
  // In the order of their keys, behind `after`.
  Result<std::vector<Erasure>> Erasures(const Erasure& after, size_t rows_max);
  // The object has nothing of it any more.
  Status Finish(const Erasure& erasure);

 private:
  explicit TraceDeletions(Database& db) : db_(db) {}
  Status PrepareAll();

  Database& db_;
  Statement add_, find_, forget_, add_erasure_, erasures_, finish_;
};

}  // namespace nightjar
