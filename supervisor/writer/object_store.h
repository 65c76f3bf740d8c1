// Where finished objects go: named bytes that are written once, read whole and deleted.
//
// Calls block: the loop's thread makes none of them. Put and Delete are one thread's, Get any
// thread's. A Put that failed has left nothing under the key.
#pragma once

#include <string>
#include <string_view>

#include "ipc/core/result.h"

namespace nightjar {

// The key of a run's trace: the day it was received (UTC), its canvas, its id. kInvalid when a part
// cannot be one of a key.
Result<std::string> TraceKey(std::string_view canvas, std::string_view run_id,
                             int64_t received_unix_us);

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  virtual Status Put(std::string_view key, std::string_view object) = 0;
  virtual Result<std::string> Get(std::string_view key, size_t bytes_max) = 0;
  virtual Status Delete(std::string_view key) = 0;
};

}  // namespace nightjar
