// A moment as a person writes it: "2026-11-24", "2026-11-24T17:27", "2026-11-24T17:27:25Z" (all
// UTC), or how long ago: "90s", "15m", "2h", "3d". Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ipc/core/clock.h"

namespace nightjar {

// nullopt: it is none of these.
std::optional<WallTime> ParseMoment(std::string_view text, WallTime now);

// For who gave something else for `name`.
std::string NotAMoment(const std::string& name, const std::string& text);

}  // namespace nightjar
