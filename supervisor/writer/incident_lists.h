// What incidents are found by, beside their ids: the canvas, the verdict, the hash of the code and
// the caller's address. Each has an index that is sorted by time, so that a list is the beginning
// of one, or of one a verdict.
//
// It reads; the owner writes the rows, with the columns that ColumnsOf() says. Inside the owner's
// transaction; one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ipc/core/result.h"
#include "ipc/proto/writer.pb.h"
#include "supervisor/writer/sqlite.h"
#include "supervisor/writer/trace_days.h"

namespace nightjar {

class IncidentLists {
 public:
  // Adds the columns to a table that has none, and the indexes.
  static const char* Schema();
  static Result<std::unique_ptr<IncidentLists>> Create(Database& db);  // outlives this

  // Fills the columns of incidents that were stored before there were any, in a transaction of its
  // own. How many there were.
  Result<uint64_t> TakeOver();

  // Newest first, at most kListRows.
  Result<proto::IncidentList> List(const proto::ListIncidents& question);
  Result<proto::SimilarIncidents> SimilarTo(const proto::Incident& incident);
  // Of ids in the range, at most `rows_max`.
  Result<std::vector<TraceDays::Found>> InRange(const RunRange& range, size_t rows_max);

 private:
  // What a list is of, and a statement of each: for rows, and for how many there are.
  enum Key { kAll, kCanvas, kCode, kCaller, kKeys };
  struct Wanted {
    Key key = kAll;
    std::string value;  // of the key
    proto::Verdict verdict = proto::VERDICT_UNSPECIFIED;
    RunRange range;
    size_t rows_max = 0;
  };
  explicit IncidentLists(Database& db) : db_(db) {}
  Status PrepareAll();
  Result<bool> TakeOverSome(uint64_t* taken);
  static void Bind(Statement& statement, const Wanted& wanted);
  Result<std::vector<proto::IncidentRow>> Rows(const Wanted& wanted);
  Result<uint64_t> Count(const Wanted& wanted);

  Database& db_;
  // With a verdict; without one there are statements for kAll and kCanvas alone.
  Statement rows_[kKeys], count_[kKeys], any_[2];
  Statement in_range_, unread_, read_;
};

}  // namespace nightjar
