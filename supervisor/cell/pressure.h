// What held a group up: the pressure that the kernel felt for it, and the quota of its canvas.
//
// Read for evidence only, from files that are opened for it. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "supervisor/cell/cell.h"
#include "supervisor/cell/group.h"

namespace nightjar {

// The microseconds in which some thread was held up, out of a pressure file's text.
std::optional<uint64_t> StalledIn(std::string_view text);

// Of the cell's own pressure and the canvas's quota; the other fields are left alone.
void ReadHoldUps(const GroupDirs& cell, const GroupDirs& canvas, CellEvents* events);

}  // namespace nightjar
