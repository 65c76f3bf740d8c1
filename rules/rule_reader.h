// Reads one section [rule.NAME] of a rule file, each mistake with its place. Pure.
#pragma once

#include <string>
#include <vector>

#include "policies/policy.h"
#include "policies/toml_reader.h"
#include "rules/rule.h"

namespace nightjar::rules {

// With a mistake the rule is not to be used. `node` is a table; its key is the rule's name.
Rule ReadRule(const policy::TomlNode& node, const policy::PolicyFile& file,
              std::vector<policy::PolicyError>* errors);

}  // namespace nightjar::rules
