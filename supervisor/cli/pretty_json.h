// Lays JSON text out over lines, changing nothing but the space between its parts. Pure.
#pragma once

#include <string>
#include <string_view>

namespace nightjar::cli {

// Text that is not JSON comes out as some text; nothing is checked here.
std::string PrettyJson(std::string_view json);

}  // namespace nightjar::cli
