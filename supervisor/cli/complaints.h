// What a file of an operator's is refused for, as a message. Pure.
#pragma once

#include <vector>

#include "ipc/proto/control.pb.h"
#include "policies/policy.h"

namespace nightjar::cli {

void AddComplaints(const std::vector<policy::PolicyError>& found, bool warning,
                   proto::PolicyCheck* check);

}  // namespace nightjar::cli
