// A value of the language out of a trace's value: the other way of WriteValue().
//
// What a trace does not have whole (a value that was cut, a password, a function) is no value.
// Bytes of a stored trace are an enemy's: nesting is bounded. Single thread.
#pragma once

#include <optional>

#include "ipc/proto/value.pb.h"
#include "worker/lang/value.h"

namespace nightjar::lang {

std::optional<Dval> ReadValue(Arena& arena, const proto::Value& value);

}  // namespace nightjar::lang
