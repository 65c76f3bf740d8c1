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

#include "ipc/core/result.h"
#include "ipc/proto/control.pb.h"

namespace nightjar {

// An encoded FromWriter with this ticket, holding the TraceDocument of the run that `row` (of the
// index) names. `object` is what the store had; empty when it had nothing. At most `bytes_max`
// large: events beyond are left out and counted. kUnsupported: the object is of another version;
// kExhausted: even without events it is too large.
Result<std::string> EncodeTraceAnswer(uint64_t ticket, const proto::TraceRow& row,
                                      std::string_view object, size_t bytes_max);

}  // namespace nightjar
