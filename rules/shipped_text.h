// The text of rules/shipped.toml, which the build puts into the program.
#pragma once

#include <string_view>

namespace nightjar::rules {

std::string_view ShippedText();

}  // namespace nightjar::rules
