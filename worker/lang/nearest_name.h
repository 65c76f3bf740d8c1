// "Did you mean ...?": the name that is least far from a misspelt one. Pure.
#pragma once

#include <string>
#include <string_view>

#include "worker/lang/builtin.h"

namespace nightjar::lang {

// "" when nothing is near. `name` is as in a canvas: module may be empty.
std::string NearestBuiltin(const Library& library, std::string_view module, std::string_view name,
                           uint32_t version);

}  // namespace nightjar::lang
