// Numbers as text, in the three ways that classic Dark writes them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nightjar::lang {

// "2.5", "3.", "1e+20.": as toString and messages have it, to twelve digits.
std::string FloatText(double value);
// "2.5", "3", "1E+20": the shortest text that reads back as the same number.
std::string ShortestFloat(double value);
// "2.5", "3.0", "1e+20": as JSON has it; not for infinities and NaN.
std::string JsonFloat(double value);

// Spaces around, a sign and digits; nothing else, and no more than 64 bits.
std::optional<int64_t> ParseInt(std::string_view text);
// "1.5", ".5", "-3e4", "Infinity", spaces around.
std::optional<double> ParseFloat(std::string_view text);

}  // namespace nightjar::lang
