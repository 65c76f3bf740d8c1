// Where a command writes, and what is known of it. Main makes the real one; tests write into
// strings.
#pragma once

#include <cstddef>
#include <ostream>
#include <string_view>

#include "supervisor/cli/paint.h"
#include "supervisor/cli/plot.h"

namespace nightjar::cli {

struct Terminal {
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  Paint paint;  // for `out`
  size_t rows = 24;
  size_t columns = 100;
  Glyphs glyphs = Glyphs::kAscii;
};

enum class ColourChoice { kAuto, kAlways, kNever };

// Standard output and error. NO_COLOR (any value that is not empty) turns colours off unless
// --color=always asks for them.
Terminal StandardTerminal(ColourChoice choice);

}  // namespace nightjar::cli
