// The newest ten traces of each handler, which outlive their days.
//
// A trace that is stored takes the next of its handler's ten slots, over the oldest. A busy handler
// only writes over its slots; what is in one still after three days is kept: its object is copied
// and its row moves in here (see Keeper). Nothing is ever looked for to be deleted, but for the
// slots of handlers that deploys have removed. All SQL over the ring is here. Inside the owner's
// transaction; one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/core/clock.h"
#include "ipc/core/ids.h"
#include "ipc/core/result.h"
#include "supervisor/writer/sqlite.h"
#include "supervisor/writer/trace_days.h"

namespace nightjar {

// A handler that deploys may have removed.
struct HandlerId {
  std::string canvas;
  Tlid tlid = 0;
  auto operator<=>(const HandlerId&) const = default;
};

// A trace in its slot.
struct RingSlot {
  HandlerId handler;
  unsigned slot = 0;
  RunId run;
};

class TraceRing {
 public:
  static const char* Schema();
  static Result<std::unique_ptr<TraceRing>> Create(Database& db);  // outlives the ring

  Status Add(const RunId& run, const proto::TraceRow& row);

  // Received before `received_before` and not kept yet, oldest first.
  Result<std::vector<RingSlot>> Unkept(WallTime received_before, size_t rows_max);
  // When the oldest was received that is not kept yet.
  Result<std::optional<WallTime>> OldestUnkept();
  // `trace` without an object key: it was lost, and only its row is kept. Nothing when the slot has
  // another run by now.
  Status Keep(const RingSlot& slot, const IndexedTrace& trace);
  // The slot's run is nowhere: nothing can be kept of it.
  Status Empty(const RingSlot& slot);

  // The slot that has this run of a handler, kept or not.
  Result<std::optional<RingSlot>> SlotOf(const HandlerId& handler, const RunId& run);
  // It is deleted: nothing is in the slot until its turn comes.
  Status Clear(const RingSlot& slot);

  // Of kept ones, with the key of its slot. kNotFound.
  Result<IndexedTrace> Get(std::string_view canvas, const RunId& run);
  // The one that is kept in a slot, if any.
  Result<std::optional<IndexedTrace>> InSlot(const HandlerId& handler, unsigned slot);
  // All kept ones of a canvas.
  Result<std::vector<IndexedTrace>> Kept(std::string_view canvas);

  // It is not in the revision that is about to come into force.
  Status NoteRemoved(const HandlerId& handler, WallTime now);
  Status NoteAllAsRemoved(WallTime now);
  Result<std::vector<HandlerId>> RemovedBefore(WallTime time, size_t rows_max);
  // Its slots have no objects any more, as far as their traces were received before `time`.
  Status EmptySlots(const HandlerId& handler, WallTime time);
  // It is there again.
  Status ForgetRemoved(const HandlerId& handler);

  // Of any canvas, with ids in the range.
  Result<std::vector<TraceDays::Found>> InRange(const RunRange& range, size_t rows_max);

 private:
  explicit TraceRing(Database& db) : db_(db) {}
  Status PrepareAll();

  Database& db_;
  Statement newest_, put_, unkept_, oldest_, keep_, empty_, get_, kept_, slot_of_, clear_;
  Statement note_removed_, removed_, empty_slots_, forget_emptied_, forget_removed_;
};

}  // namespace nightjar
