// What `nightjar` prints of abuse rules and of what they hit. Pure: a message in, text out.
#pragma once

#include <string>

#include "ipc/proto/control.pb.h"
#include "supervisor/cli/paint.h"

namespace nightjar::cli {

std::string RenderRules(const proto::RuleList& list, const Paint& paint);
std::string RenderRuleHits(const proto::RuleHitList& list, const Paint& paint);

// What rules would have hit: all rules in a table, then hit by hit.
std::string RenderRuleTrial(const proto::RuleTrial& trial, const Paint& paint);

}  // namespace nightjar::cli
