// Quantities as a policy file writes them: "2s", "64MiB", "50/s". Exact: Format(Parse(x)) means
// what x means, and Parse(Format(v)) is v.
//
// Pure. What the text may be and why it is not comes back as a sentence for the operator ("a
// duration needs a unit: us, ms, s, m or h").
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace nightjar::policy {

// A value, or what is wrong with the text.
template <typename T>
using Parsed = tl::expected<T, std::string>;

// "500ms", "1.5s", "2h"; fractions are fine where they come out at whole microseconds.
Parsed<std::chrono::microseconds> ParseDuration(std::string_view text);
// The largest unit that needs no fraction: "90s", "2m", "1500us".
std::string FormatDuration(std::chrono::microseconds duration);

// "64MiB", "1.5GiB", "100B". Powers of 1024 only: with "64MB" half of the readers would be wrong.
Parsed<uint64_t> ParseSize(std::string_view text);
std::string FormatSize(uint64_t bytes);

// "50/s", "100/m", "0.5/h": how many a second.
Parsed<double> ParseRate(std::string_view text);
std::string FormatRate(double per_second);

// "all", "none", "1/100": of how many runs one; 1 and 0 for the first two.
Parsed<uint64_t> ParseSample(std::string_view text);
std::string FormatSample(uint64_t one_in);

// The shortest text that reads back as the same number: "1.5", "2".
std::string FormatNumber(double number);

}  // namespace nightjar::policy
