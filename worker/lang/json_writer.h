// Values as pretty JSON, as responses and toJSON have it: options and results become plain values,
// what is text becomes a string, passwords are redacted.
//
// Stops where a bound is reached, so that a response that is too large costs no more memory than
// one that is not. Pure, but that it may throw StackExhausted.
#pragma once

#include <cstddef>
#include <string>

#include "worker/lang/value.h"

namespace nightjar::lang {

// Appends to *out until it holds more than `bytes_max`; then what is there is cut and false is
// returned.
bool WriteJson(const Dval& value, size_t bytes_max, std::string* out);
std::string PrettyJson(const Dval& value);

}  // namespace nightjar::lang
