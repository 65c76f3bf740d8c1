// Takes one run out of stored objects: out of a pack of several, or out of one that was copied from
// such a pack.
//
// Others' runs in the object stay as they are. An object that has nothing else is deleted, and so
// is one that is so damaged that nobody can tell what of it is whose. Blocks; the keeper's thread.
#pragma once

#include <string>
#include <string_view>

#include "ipc/core/ids.h"
#include "ipc/core/result.h"
#include "supervisor/writer/object_store.h"

namespace nightjar {

// Nothing under `key` is left of the run when it returns.
Status EraseRun(ObjectStore& objects, const std::string& key, const RunId& run);

// An object with this run alone, out of one that has several. kNotFound: it has not. kProtocol: it
// is damaged.
Result<std::string> ExtractRun(std::string_view object, const RunId& run);

}  // namespace nightjar
