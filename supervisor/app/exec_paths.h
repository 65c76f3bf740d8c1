// Whether paths of the host, or a directory as their root, may be shown to the programs of exec
// handlers.
#pragma once

#include <string>
#include <vector>

#include "ipc/core/result.h"

namespace nightjar {

// kInvalid says which may not, and why: it is not there, it would stand in the place of something
// that the programs' root has itself, `state` is in it, or anyone could write to it, so that one
// canvas might leave something there for another.
Status CheckExecPaths(const std::vector<std::string>& paths, const std::string& state);

// The same of a directory whose content is to be their root, and of everything directly in it that
// they are shown: its entries, without links, and without those in whose place their root has
// something of its own. Those entries.
Result<std::vector<std::string>> CheckExecRoot(const std::string& directory,
                                               const std::string& state);

}  // namespace nightjar
