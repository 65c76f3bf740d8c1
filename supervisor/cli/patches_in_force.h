// Which patch of a trace is the newest of its call, and what a patch is called. Pure; texts are
// printable.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "ipc/proto/control.pb.h"

namespace nightjar::cli {

// By the id of a call of the base: the place of its newest patch in `patches`. A patch with other
// arguments is in force for no call.
std::map<uint64_t, int> PatchesInForce(const proto::TraceDocument& base);

// "Patch 1: call 2 of f", "Patch 2: g with other arguments"; numbers are places plus one.
std::string PatchTitle(const proto::PatchOf& patch, int number);

}  // namespace nightjar::cli
