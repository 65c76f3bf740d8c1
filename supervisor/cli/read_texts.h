// Reads what an operator gives to a command, a policy or abuse rules, by the path of its file or
// directory, and tells what is wrong with it. Blocks as long as the disk does.
#pragma once

#include <memory>
#include <string>

#include "ipc/proto/control.pb.h"
#include "policies/policy.h"
#include "rules/rule.h"
#include "supervisor/cli/commands.h"

namespace nightjar::cli {

using PolicyPtr = std::shared_ptr<const policy::Policy>;
using RulesPtr = std::shared_ptr<const rules::RuleSet>;

// What is to be said of it goes to `check`; with mistakes `*read` is null and the answer kNo. A
// path at which nothing can be read is told at once (kUsage).
ExitCode ReadText(Session& session, const std::string& path, PolicyPtr* read,
                  proto::PolicyCheck* check);
ExitCode ReadText(Session& session, const std::string& path, RulesPtr* read,
                  proto::PolicyCheck* check);

// For commands that go on with it: mistakes are told, and what is only odd is not their matter.
ExitCode ReadOrTell(Session& session, const std::string& path, PolicyPtr* read);
ExitCode ReadOrTell(Session& session, const std::string& path, RulesPtr* read);

}  // namespace nightjar::cli
