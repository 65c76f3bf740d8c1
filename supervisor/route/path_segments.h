// Takes a path apart. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nightjar {

// The parts between slashes; empty ones are left out. Views into `path`.
std::vector<std::string_view> SplitPath(std::string_view path);

// Replaces each %XX by its byte; a `+` stays. A segment with a malformed escape, or one whose bytes
// would not be UTF-8 or would hold a zero byte, is returned as it is: what follows expects text.
std::string DecodeSegment(std::string_view segment);

}  // namespace nightjar
