// Reads rule files: all or nothing, each mistake with its file, line and column. Pure.
//
// docs/rules.md says what they may say. A rule that any canvas would meet by being used at all is
// a mistake, unless it says `hits_everything = true`.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "policies/policy.h"
#include "rules/rule.h"

namespace nightjar::rules {

std::shared_ptr<const RuleSet> ParseRules(std::span<const policy::PolicyFile> files,
                                          std::vector<policy::PolicyError>* errors);

// What stands when no file is given: rules/shipped.toml, whose rules do no more than keep evidence.
std::shared_ptr<const RuleSet> ShippedRules();

}  // namespace nightjar::rules
