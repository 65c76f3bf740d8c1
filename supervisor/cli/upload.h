// The files that are deployed beside a canvas file, read from disk into what the control plane
// takes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ipc/proto/program.pb.h"
#include "supervisor/cli/session.h"

namespace nightjar::cli {

// As JSON: `source`, and each of `paths` by its own name, folders with everything that is below
// them. None: it was told what cannot be read or is too much.
std::optional<std::string> UploadText(Session& session, const std::string& source,
                                      const std::vector<std::string>& paths);

}  // namespace nightjar::cli
