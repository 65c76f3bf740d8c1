// Values as JSON that says the type of what JSON has no form for: {"type": .., "value": ..}. Only
// the oldest function that writes JSON does so. Passwords are redacted. Pure, but that it may throw
// StackExhausted.
#pragma once

#include <string>

#include "worker/lang/value.h"

namespace nightjar::lang {

std::string TaggedJson(const Dval& value);

}  // namespace nightjar::lang
