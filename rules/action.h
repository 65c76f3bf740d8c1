// Reads one action of a rule: "keep evidence", "tighten cpu 500ms". Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "rules/rule.h"

namespace nightjar::rules {

// Nothing: it is "flag", what is done anyway. Or a sentence about what is wrong with it.
tl::expected<std::optional<Action>, std::string> ParseAction(std::string_view text);

// Whether it makes a control, which lasts for some time.
bool MakesControl(ActionKind kind);

}  // namespace nightjar::rules
