// Where finished objects go: named bytes that are written once, read whole and deleted.
//
// Calls block: the loop's thread makes none of them. Put and Delete are one thread's, Get and Copy
// any thread's. A Put that failed has left nothing under the key.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ipc/core/ids.h"
#include "ipc/core/result.h"

namespace nightjar {

// The key of a run's trace: the day it was received (UTC), its canvas, its id. kInvalid when a part
// cannot be one of a key.
Result<std::string> TraceKey(std::string_view canvas, std::string_view run_id,
                             int64_t received_unix_us);

// Whose trace a key is; nullopt: it is no TraceKey.
struct TraceKeyOwner {
  std::string canvas;
  RunId run;
};
std::optional<TraceKeyOwner> TraceKeyParts(std::string_view key);

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  virtual Status Put(std::string_view key, std::string_view object) = 0;
  virtual Result<std::string> Get(std::string_view key, size_t bytes_max) = 0;
  virtual Status Delete(std::string_view key) = 0;
  // What is at `to` is replaced.
  virtual Status Copy(std::string_view from, std::string_view to) = 0;

  // The index has a row of this object that no crash of ours takes away: from now on it may be
  // moved to where it is to stay.
  virtual void Listed(std::string_view /*key*/) {}
  // Get() of what was never Listed(): it is near, and not looked for elsewhere.
  virtual Result<std::string> GetUnlisted(std::string_view key, size_t bytes_max) {
    return Get(key, bytes_max);
  }
};

}  // namespace nightjar
