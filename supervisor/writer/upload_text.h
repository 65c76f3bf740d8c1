// What was deployed, as the catalog has it: a canvas file, or a canvas file with files beside it as
// JSON (program.proto's Upload). Pure.
#pragma once

#include <string>

#include "ipc/core/result.h"
#include "ipc/proto/program.pb.h"

namespace nightjar {

// A canvas file begins with a bracket or a comment, an Upload with a brace.
bool IsUpload(const std::string& source);
Result<proto::Upload> ReadUpload(const std::string& source);
Result<std::string> WriteUpload(const proto::Upload& upload);

}  // namespace nightjar
