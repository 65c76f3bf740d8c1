// From the first characters of an id to the id, where they belong to one only. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ipc/core/result.h"

namespace nightjar::cli {

inline constexpr size_t kShortestId = 6;

// True for a whole id, which needs no list to be found in.
bool IsWholeId(std::string_view text);
// The one of `ids` that starts with `prefix`. The Error's context is for the operator: too short,
// none, or more than one.
Result<std::string> FindId(std::string_view prefix, const std::vector<std::string>& ids);

}  // namespace nightjar::cli
