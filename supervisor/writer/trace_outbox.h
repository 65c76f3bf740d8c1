// What the index that machines share has not been told yet.
//
// While it is on, triggers write down the name of whatever changes in day tables, ring and holds,
// in the change's own transaction: a trace, a slot, a hold, a day that is over. Names only: whoever
// takes them finds the state as it is by then, so that each may be told twice, and the last telling
// is true. Names of a day that is dropped go with it. Inside the owner's transaction; one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ipc/core/ids.h"
#include "ipc/core/result.h"
#include "supervisor/writer/sqlite.h"
#include "supervisor/writer/trace_day.h"

namespace nightjar {

class TraceOutbox {
 public:
  explicit TraceOutbox(Database& db) : db_(db) {}  // outlives this
  static const char* Schema();

  // Off, nothing is written down, and what was is forgotten: the next one that is fed is told all.
  Status TurnOn(const std::vector<TraceDay>& days);
  Status TurnOff(const std::vector<TraceDay>& days);
  bool on() const { return on_; }

  struct Entry {
    enum class Kind { kTrace = 0, kSlot = 1, kHold = 2, kDayOver = 3 };
    int64_t seq = 0;
    Kind kind = Kind::kTrace;
    std::string canvas;
    RunId run;      // of a trace, a hold
    Tlid tlid = 0;  // of a slot, like the next
    unsigned slot = 0;
    TraceDay day;  // that is over
  };
  // The oldest first.
  Result<std::vector<Entry>> Oldest(size_t rows_max);
  // These have been told.
  Status Remove(int64_t first_seq, int64_t last_seq);

  struct Length {
    uint64_t left_untold = 0;            // names that left with their days, since the start
    uint64_t rows = 0;                   // counted up to kOutboxCounted
    std::optional<int64_t> received_ms;  // of the oldest trace in it
  };
  Result<Length> Measure();

  // Who is fed, and this index's own name there, made up at first.
  struct Names {
    std::string fed;  // empty: nobody
    std::string index;
    int64_t newest = 0;  // entry that there ever was
  };
  Result<Names> Who();
  // Another one is fed from now on: it is to be told everything.
  Status FeedAnew(const std::string& fed, const std::vector<TraceDay>& days);

  // The tables of a day were made; they are about to be dropped.
  Status OnDayMade(TraceDay day);
  Status OnDayDropped(TraceDay day);
  // Names that left with their days untold, since the start.
  uint64_t left_untold() const { return left_untold_; }

 private:
  Database& db_;
  bool on_ = false;
  uint64_t left_untold_ = 0;
};

}  // namespace nightjar
