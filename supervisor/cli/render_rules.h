// What `nightjar` prints of abuse rules and of what they hit. Pure: a message in, text out.
#pragma once

#include <string>

#include "ipc/proto/control.pb.h"
#include "supervisor/cli/paint.h"

namespace nightjar::cli {

std::string RenderRules(const proto::RuleList& list, const Paint& paint);
std::string RenderRuleHits(const proto::RuleHitList& list, const Paint& paint);

}  // namespace nightjar::cli
