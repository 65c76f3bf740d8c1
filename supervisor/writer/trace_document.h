// Puts a stored trace together as the answer to GetTrace: JSON, as the control plane shows it.
//
// It is made here and not in the supervisor because a large trace takes a second, which no deadline
// can wait for. From bytes to text, event by event: as objects, a large trace would take many times
// its size. Any thread; pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/core/result.h"
#include "ipc/proto/control.pb.h"

namespace nightjar {

// A patch, as its base's index and store have it. `object` is empty when the store had nothing.
struct PatchObject {
  proto::TraceRow row;
  std::string object;
};

// An encoded FromWriter with this ticket, holding the TraceDocument of the run that `row` (of the
// index) names. `object` is what the store had; empty when it had nothing. At most `bytes_max`
// large: events beyond are left out and counted. Its patches are in it, oldest first, each like a
// trace of its own: this is where a base and its patches come together. kUnsupported: the object is
// of another version; kExhausted: even without events it is too large.
Result<std::string> EncodeTraceAnswer(uint64_t ticket, const proto::TraceRow& row,
                                      std::string_view object, size_t bytes_max,
                                      const std::vector<PatchObject>& patches = {});

}  // namespace nightjar
