// Shows a text in another program: in a file that this user alone can read and that is gone when
// the program has ended.
//
// Blocking. No shell is asked: the program is one word, found as one that is typed is, and the file
// is its only argument. An interrupt from the terminal is the program's to understand meanwhile.
#pragma once

#include <string>
#include <string_view>

#include "ipc/core/result.h"

namespace nightjar::cli {

// `name` is the file's, in a folder of its own. kInvalid: the program cannot be started, or ended
// otherwise than with 0.
Status OpenWith(const std::string& program, const std::string& name, std::string_view text);

}  // namespace nightjar::cli
