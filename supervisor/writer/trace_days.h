// The traces of the last days: one set of tables a day, made on first use, dropped whole.
//
// It deletes no row but what an operator deletes, and never looks through a day to find out what is
// old. Within a day every
// list is the beginning of a B-tree, as run ids begin with the inverted time. All SQL over day
// tables is here. Inside the owner's transaction; one thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/core/ids.h"
#include "ipc/core/result.h"
#include "ipc/proto/control.pb.h"
#include "ipc/proto/writer.pb.h"
#include "supervisor/writer/sqlite.h"
#include "supervisor/writer/trace_day.h"
#include "supervisor/writer/trace_outbox.h"

namespace nightjar {

// A trace as the index has it.
struct IndexedTrace {
  proto::TraceRow row;
  proto::TraceTouched touched;
  std::string object_key;  // empty: the object could not be stored
};

// Of a row that was stored; zeros: it names none.
RunId RunOf(const proto::TraceRow& row);

// The address in a caller, without its port: lists are asked by it.
std::string_view CallerAddress(std::string_view caller);

// Whether the trace is one that the question asks for; its canvas and time apart.
bool Matches(const proto::ListTraces& question, const IndexedTrace& trace);

// Ids of runs that a question's times allow.
RunRange RangeOf(const proto::ListTraces& question);

class TraceDays {
 public:
  // Both outlive this.
  TraceDays(Database& db, TraceOutbox& outbox) : db_(db), outbox_(outbox) {}

  // False: it is in there already and stays as it is.
  Result<bool> Add(const RunId& run, const IndexedTrace& trace);
  // kNotFound.
  Result<IndexedTrace> Get(std::string_view canvas, const RunId& run);
  // Those of these runs that one day has, in their order.
  struct Name {
    std::string_view canvas;
    RunId run;
  };
  Status GetMany(TraceDay day, const std::vector<Name>& names,
                 const std::function<void(size_t which, IndexedTrace&&)>& each);
  // Of any canvas, with ids in the range; at most `rows_max` of a day.
  struct Found {
    std::string canvas;
    RunId run;
  };
  Result<std::vector<Found>> InRange(const RunRange& range, size_t rows_max);
  // What a statement of EachCanvasSql() finds.
  static Status ReadFound(Statement& ask, const RunRange& range, size_t rows_max,
                          std::vector<Found>* found);
  // Its object is `to` now, where it was `from`. What is not there is left alone.
  Status Move(std::string_view canvas, const RunId& run, std::string_view from,
              std::string_view to);
  // With all that it is found by. What is not there is left alone.
  Status Remove(const RunId& run, const IndexedTrace& trace);
  // The traces of one day that an index of it offers to the question, newest first, until `each`
  // returns false. They may be more than match.
  Status Walk(TraceDay day, const proto::ListTraces& question, const RunRange& range,
              const std::function<bool(IndexedTrace&&)>& each);

  // Those that have tables, newest first.
  Result<std::vector<TraceDay>> Days();
  Status Drop(TraceDay day);
  // A transaction was rolled back: tables that were made in it are gone.
  void Forget() { adding_.clear(); }

 private:
  struct Adding {
    Statement trace, function, field;
  };
  Result<bool> Exists(TraceDay day);
  Result<Adding*> ForAdding(TraceDay day);
  Status AddTouched(Adding& adding, const RunId& run, const IndexedTrace& trace);

  Database& db_;
  TraceOutbox& outbox_;
  std::map<TraceDay, std::unique_ptr<Adding>> adding_;  // of days that exist
};

}  // namespace nightjar
