// The groups directly below one, by name, and opening one of them. For the sweep of leftovers: what
// is found there was made by an earlier supervisor, and is not known.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ipc/core/fd.h"

namespace nightjar {

// Those whose names start with `prefix`; none when the group cannot be read.
std::vector<std::string> Subgroups(int group_dir, std::string_view prefix);
// Invalid when it is not there.
Fd OpenGroup(int parent, const char* name);

}  // namespace nightjar
