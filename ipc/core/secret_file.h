// Files that hold a secret: opened only where nobody but their owner may read them.
#pragma once

#include <string>

#include "ipc/core/fd.h"
#include "ipc/core/result.h"

namespace nightjar {

// For reading. kPermission, with what to do, when its mode lets a group or others in, or when it
// belongs to neither root nor this process's user. kInvalid: it is no file.
Result<Fd> OpenSecretFile(const std::string& path);

}  // namespace nightjar
