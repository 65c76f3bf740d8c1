// What a handler's value becomes as a response.
//
// A plain value is a 200 with its JSON; a response value is as it says; an error or incomplete
// value is a 500 in classic Dark's words, Nothing or an Error on the rail a 404. The body stops at
// a bound, so that an output flood costs no memory. Pure, but that it may throw StackExhausted.
#pragma once

#include <cstdint>
#include <string>

#include "worker/engine.h"
#include "worker/lang/value.h"

namespace nightjar::lang {

// limit_hit is set when the body is larger than bytes_max; measured is then what was seen of it.
RunOutcome MakeResponseOutcome(const Dval& value, uint64_t bytes_max);

// The same of a handler that works on bytes: a response with bytes, or a redirect, or else a 500.
RunOutcome MakeBytesOutcome(const Dval& value, uint64_t bytes_max);

// Of a program that cannot be run, or not to its end.
RunOutcome ProgramError(std::string error);

}  // namespace nightjar::lang
