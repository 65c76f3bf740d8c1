// Reads what the operator wrote of the index that machines share: its settings, and the file with
// the password.
//
// As the one who may read the password, which is before privileges are dropped.
#pragma once

#include <string>

#include "ipc/core/result.h"
#include "supervisor/writer/shared/shared_feed.h"

namespace nightjar::shared {

// Each mistake is a line of the error: "path:line:column: what is wrong". Never a secret.
Result<SharedFeed::Where> ReadIndexFile(const std::string& path);

}  // namespace nightjar::shared
