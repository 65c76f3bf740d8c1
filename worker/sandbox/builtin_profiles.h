// The seccomp profiles that are built into this program: policies/seccomp/NAME.toml, read and
// checked by the build (docs/adr/0009-seccomp-profiles.md).
#pragma once

#include <optional>
#include <string_view>

#include "ipc/core/seccomp_rules.h"

namespace nightjar {

// "interpreter", "program"; nullopt for another name.
std::optional<SeccompRules> BuiltinProfile(std::string_view name);

}  // namespace nightjar
