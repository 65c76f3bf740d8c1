// A small plot in one line of text: a column a value. Pure.
#pragma once

#include <string>
#include <vector>

namespace nightjar::cli {

enum class Glyphs { kAscii, kUnicode };

// Values from 0 to `top`; what is above 0 is never drawn as nothing.
std::string Plot(const std::vector<double>& values, double top, Glyphs glyphs);

}  // namespace nightjar::cli
