// The patches of traces: runs of one function alone, which are shown with the run that they patch
// and live as long as it does.
//
// A patch is an object of its own beside its base's, in each place where the base is: the week, the
// slot of a kept one, evidence. Here it has a row for each of them. It is no trace of a handler: no
// day's table and no ring has it. All SQL over patches is here. Inside the owner's transaction; one
// thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/core/ids.h"
#include "ipc/core/result.h"
#include "supervisor/writer/sqlite.h"
#include "supervisor/writer/trace_days.h"

namespace nightjar {

class TracePatches {
 public:
  enum class Place { kWeek = 0, kKept = 1, kEvidence = 2 };
  // By the key of a base; nullopt: it has none.
  static std::optional<Place> PlaceOf(std::string_view base_key);
  // Makes what is missing of its table: an index of before it has none.
  static const char* Schema();
  static Result<std::unique_ptr<TracePatches>> Create(Database& db);  // outlives the patches

  // `patch`: its row, which names its base, and the key of its object there. One that is in there
  // already is left alone.
  Status Add(const RunId& base, Place place, const IndexedTrace& patch);
  // Oldest first; `touched` is empty.
  Result<std::vector<IndexedTrace>> Of(std::string_view canvas, const RunId& base, Place place);
  // In all places.
  Result<std::vector<IndexedTrace>> Everywhere(std::string_view canvas, const RunId& base);
  // Of any base whose kept object is under this key, or was.
  Result<std::vector<IndexedTrace>> InSlot(const std::string& kept_key);
  // The base of a patch.
  Result<std::optional<RunId>> BaseOf(std::string_view canvas, const RunId& patch);

  Status Remove(std::string_view canvas, const RunId& base, Place place);
  Status RemoveAll(std::string_view canvas, const RunId& base);
  Status RemoveObject(const IndexedTrace& patch);
  // Those in the week whose base is of a day before this.
  Status RemoveBefore(TraceDay day);

 private:
  explicit TracePatches(Database& db) : db_(db) {}
  Status PrepareAll();

  Database& db_;
  Statement add_, of_, everywhere_, in_slot_, base_of_, remove_, remove_all_, remove_object_,
      remove_before_;
};

// Why there is no place for another.
std::string TooManyPatches();

// Whether both lists have the same patches, wherever.
bool SamePatches(const std::vector<IndexedTrace>& a, const std::vector<IndexedTrace>& b);

}  // namespace nightjar
