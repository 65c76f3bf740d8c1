// What the TOML library complains about, as a sentence for whoever wrote the file. Pure.
#pragma once

#include <string_view>

#include "policies/policy.h"
#include "policies/toml_reader.h"

namespace nightjar::policy {

// `text`: the whole file. What is said twice is told where it stands, not at its value.
PolicyError TomlComplaint(std::string_view text, Place at, std::string_view description);

}  // namespace nightjar::policy
