// The key of this state directory that redacted values are hashed under: DIR/redaction.key.
//
// It stays, so that equal values are told across restarts. It is root's, mode 0600: neither the
// supervisor, once it is an ordinary user, nor the writer can read it again, and no worker gets
// more of it than its canvas's own key.
#pragma once

#include <string>

#include "ipc/core/result.h"

namespace nightjar {

// Makes one where there is none. Called as root, before privileges are dropped.
Result<std::string> OpenRedactionKey(const std::string& state_path);

}  // namespace nightjar
