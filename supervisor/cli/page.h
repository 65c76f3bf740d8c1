// Text for a page of bounded width. Pure; escape sequences of colours take no room.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nightjar::cli {

// At spaces, where that is possible; lines behind the first are indented by two. Spaces at the
// beginning stay.
std::string WrapAtSpaces(std::string_view text, size_t columns);
// Each line is cut to the width; what is cut ends in "...", and a colour ends there.
std::string CutLines(std::string_view text, size_t columns);
// The first so many lines, and a last one that says how many more there are; `more` is said behind
// it.
std::string FirstLines(std::string_view text, size_t lines, std::string_view more);

}  // namespace nightjar::cli
