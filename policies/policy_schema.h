// The JSON schema of policy files, for editors that check and complete them as they are typed.
// Pure.
//
// Made of the table of limits. It says less than Policy::Parse(): nothing of ranges of quantities
// with units, and nothing of what settings say of each other.
#pragma once

#include <string>

namespace nightjar::policy {

// JSON text, draft 7, which is what TOML's editors read.
std::string PolicySchema();

}  // namespace nightjar::policy
