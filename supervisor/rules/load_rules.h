// Reads abuse rules from the disk, as a policy is read (supervisor/policy/policy_files.h). Blocks
// as long as the disk does.
#pragma once

#include <memory>
#include <string>

#include "ipc/core/result.h"
#include "rules/rule.h"
#include "supervisor/policy/policy_files.h"

namespace nightjar {

// All of the file or directory; without a path the rules that come with the program. Every mistake
// is in the error, as "path:line:column: message", one a line.
Result<std::shared_ptr<const rules::RuleSet>> LoadRules(const std::string& path,
                                                        PolicyState wanted);

}  // namespace nightjar
