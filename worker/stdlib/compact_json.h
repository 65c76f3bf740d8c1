// Values as JSON without a space in it, exactly as tokens have always been signed: a signature is
// one of every byte. Passwords are redacted. Pure, but that it may throw StackExhausted.
#pragma once

#include <string>

#include "worker/lang/value.h"

namespace nightjar::lang {

std::string CompactJson(const Dval& value);

}  // namespace nightjar::lang
