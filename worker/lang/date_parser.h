// Reads the ways of writing a date that programs have always been allowed. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace nightjar::lang {

// Unix time in milliseconds; what is finer is cut off. A date with '-', ' ' or nothing between its
// fields, 'T', ' ' or nothing, a time with or without ':' and seconds, up to seven digits of a
// second, am or pm, then 'Z', an offset, or nothing, which means UTC.
std::optional<int64_t> ParseDate(std::string_view text);

}  // namespace nightjar::lang
