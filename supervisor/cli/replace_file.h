// Puts a new text in a file's place, so that whoever reads it sees the old one or the new one.
#pragma once

#include <string>
#include <string_view>

#include "ipc/core/result.h"

namespace nightjar::cli {

// The file keeps its mode and, as far as this user may say so, its owner. A symbolic link stays
// one: what it points to is replaced. On an error the file is as it was.
Status ReplaceFile(const std::string& file, std::string_view text);

}  // namespace nightjar::cli
