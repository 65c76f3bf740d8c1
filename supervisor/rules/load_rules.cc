#include "supervisor/rules/load_rules.h"

#include <vector>

#include "policies/policy_errors.h"
#include "rules/rule_file.h"

namespace nightjar {

Result<std::shared_ptr<const rules::RuleSet>> LoadRules(const std::string& path,
                                                        PolicyState wanted) {
  if (path.empty()) return rules::ShippedRules();
  NJ_ASSIGN(PolicyText text, ReadPolicyText(path, wanted));
  std::vector<policy::PolicyError> errors;
  auto rules = rules::ParseRules(text.files, &errors);
  if (!rules) return Fail(ErrorCode::kInvalid, policy::ErrorLines("", errors));
  return rules;
}

}  // namespace nightjar
