// A span of time as a person writes it: "90s", "15m", "2h", "3d". Pure; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace nightjar {

// nullopt: it is none, or longer than 100,000 days.
std::optional<std::chrono::seconds> ReadTimeSpan(std::string_view text);

}  // namespace nightjar
