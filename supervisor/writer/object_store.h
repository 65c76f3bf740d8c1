// Where finished objects go: named bytes that are written once, read whole, copied and deleted.
//
// The first part of a key is its class: `week/` expires by itself, by the day in the key; `kept/`
// has ten slots a handler, which are written over; `evidence/` stays until it is deleted. Calls
// block: the loop's thread makes none of them. Put is one thread's, Copy, Delete, Replace and
// ExpireBefore are one thread's, which may be another, Get is any thread's. A Put or a Copy that
// failed has left what was under the key before.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ipc/core/ids.h"
#include "ipc/core/result.h"

namespace nightjar {

// Keys of a run's trace. The day (UTC) is the one that its id carries. kInvalid when a part cannot
// be one of a key.
Result<std::string> TraceKey(std::string_view canvas, const RunId& run);
Result<std::string> KeptKey(std::string_view canvas, Tlid tlid, unsigned slot);
Result<std::string> EvidenceKey(std::string_view canvas, const RunId& run);

// Of a patch beside its base, whose key this is in the week, as a kept one or as evidence.
std::string PatchKey(std::string_view base_key, const RunId& patch);

// Whose trace a key is; nullopt: it is no TraceKey.
struct TraceKeyOwner {
  std::string canvas;
  RunId run;
};
std::optional<TraceKeyOwner> TraceKeyParts(std::string_view key);

// "week/2026-11-24/demo/pack-....njt": several runs of a canvas and day.
std::string PackKey(std::string_view beside, const RunId& id);
bool IsPackKey(std::string_view key);

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  virtual Status Put(std::string_view key, std::string_view object) = 0;
  virtual Result<std::string> Get(std::string_view key, size_t bytes_max) = 0;
  // kUnavailable, also: it is on its way from here to elsewhere, and not gone until it is there.
  virtual Status Delete(std::string_view key) = 0;
  // Puts an object in the place of what is under the key, where that is to stay.
  virtual Status Replace(std::string_view key, std::string_view object) = 0;
  // Replaces what is under `to`. kNotFound: there is nothing under `from`.
  virtual Status Copy(std::string_view from, std::string_view to) = 0;
  // Removes what `week/` has of the days before `day` ("2026-11-24"), a bounded part of it in one
  // call. True: there is more to remove, though nothing of it can be read any more. A store that
  // expires by a rule of its own has nothing to do.
  virtual Result<bool> ExpireBefore(std::string_view day) = 0;

  // The index has a row of this object that no crash of ours takes away: from now on it may be
  // moved to where it is to stay.
  virtual void Listed(std::string_view /*key*/) {}
  // Get() of what was never Listed(): it is near, and not looked for elsewhere.
  virtual Result<std::string> GetUnlisted(std::string_view key, size_t bytes_max) {
    return Get(key, bytes_max);
  }
};

}  // namespace nightjar
