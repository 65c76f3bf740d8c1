// Kills and removes groups below a held directory: what an earlier supervisor left behind, or
// everything at a clean stop.
//
// It touches nothing outside the given directories. Blocks up to `patience`: for the start and the
// stop of the supervisor, not for its loop.
#pragma once

#include <chrono>
#include <string_view>

#include "supervisor/cell/group.h"

namespace nightjar {

// Every group directly below `top` whose name starts with `prefix` ("" for all), with all below it.
// kTimedOut when something did not die or could not be removed in time; what can be removed is
// removed all the same.
Status ClearGroups(const GroupDirs& top, std::string_view prefix,
                   std::chrono::milliseconds patience);

// Until nothing lives in this group of `parent` any more, or for `patience`.
void AwaitEmptyGroup(const Fd& parent, const char* name, std::chrono::milliseconds patience);

}  // namespace nightjar
