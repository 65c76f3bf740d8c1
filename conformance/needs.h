// What a program calls, and whether that is within a worker's reach.
//
// Only what is outside of the walls makes a case one to skip: a function that is in the library is
// never a reason, whatever its module, and neither is one that exists nowhere. Pure.
#pragma once

#include <set>
#include <string>

#include "ipc/proto/program.pb.h"
#include "worker/lang/builtin.h"

namespace nightjar::conformance {

struct Uses {
  std::set<std::string> functions;  // of the canvas or a package, by every name they can have
  std::string outside;              // "datastore": the first thing outside that it calls; or ""
};

// Adds what `message`, an expression or something that holds some, calls.
void AddUses(const google::protobuf::Message& message, const lang::Library& library, Uses* uses);

}  // namespace nightjar::conformance
