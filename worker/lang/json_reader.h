// JSON text to values, and what is wrong with it in the words that classic Dark's programs know.
//
// Nesting is bounded, for programs at 64, as it always was. Integers that need more than 64 bits
// become floats; of two fields of the same name the last is taken. Pure.
#pragma once

#include <string>
#include <string_view>

#include "worker/lang/value.h"

namespace nightjar::lang {

enum class JsonComments { kRefused, kSkipped };
// kNonFiniteToo: NaN, Infinity and -Infinity, as tokens have them, are floats.
enum class JsonNumbers { kFinite, kNonFiniteToo };

// False: *error says why, and *value is as it was.
bool ReadJson(Arena& arena, std::string_view text, JsonComments comments, Dval* value,
              std::string* error, JsonNumbers numbers = JsonNumbers::kFinite, int depth_max = 64);

}  // namespace nightjar::lang
