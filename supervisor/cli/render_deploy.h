// What `nightjar deploy` prints: what is served now, or where the file is wrong. Pure.
#pragma once

#include <string>

#include "ipc/proto/control.pb.h"
#include "supervisor/cli/paint.h"

namespace nightjar::cli {

// `file` is what the operator typed, for the warnings.
std::string RenderDeploy(const proto::DeployAnswer& answer, const std::string& file,
                         const Paint& paint);

// "FILE:3:7: error: message", the source line, and a caret below the column.
std::string RenderDiagnostic(const proto::Diagnostic& diagnostic, const std::string& file,
                             const Paint& paint);

std::string RenderMissedHandled(const proto::MissedHandled& handled, const Paint& paint);

}  // namespace nightjar::cli
