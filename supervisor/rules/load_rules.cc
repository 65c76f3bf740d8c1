#include "supervisor/rules/load_rules.h"

#include <vector>

#include "policies/policy_errors.h"
#include "rules/rule_file.h"

namespace nightjar {

Result<std::shared_ptr<const rules::RuleSet>> LoadRules(const std::string& path,
                                                        PolicyState wanted) {
  if (path.empty()) return rules::ShippedRules();
  NJ_ASSIGN(PolicyText text, ReadPolicyText(path));
  if (wanted == PolicyState::kSettled) NJ_TRY(CheckSettled(text));
  std::vector<policy::PolicyError> errors;
  auto rules = rules::ParseRules(text.files, &errors);
  if (!rules) return Fail(ErrorCode::kInvalid, policy::ErrorLines("", errors));
  return rules;
}

}  // namespace nightjar
