// The program's side of `nightjar fmt`: text in, canonical text or diagnostics out.
//
// nightjar-worker --format calls it, without a supervisor, on text of the user who runs it.
#pragma once

#include <istream>
#include <ostream>

namespace nightjar::lang {

// Reads all of `in` (at most bounds::kSourceBytes) and writes its canonical notation to `out`.
// Where there is none it writes the diagnostics, as the JSON of a proto::Compiled, and returns
// false.
bool FormatStream(std::istream& in, std::ostream& out);

}  // namespace nightjar::lang
