// Which handlers of a new revision are those of the one before it: their traces, slots and counters
// go by their ids.
//
// A handler is the one that had its name, or else the one whose name is gone and whose code it has,
// if there is one such and it alone has that code: it was renamed, or its route was changed. What
// was renamed and rewritten at once is another one. Pure.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <cstdint>
#include <string>

#include "ipc/proto/program.pb.h"
#include "ipc/proto/worker.pb.h"

namespace nightjar::lang {

using HandlerEntries = google::protobuf::RepeatedPtrField<proto::HandlerEntry>;

// The id of what has this name and had no other.
uint64_t IdOf(const std::string& kind_and_name, uint64_t seed = 0);

// Of a program as the parser made it: `manifest` has the same handlers in the same order. Sets
// their ids in both, and their code's hashes.
void KeepHandlerIds(const HandlerEntries& earlier, proto::Program& program,
                    proto::Manifest& manifest);

}  // namespace nightjar::lang
