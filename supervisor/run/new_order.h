// What every order of a run begins with, wherever it comes from. Pure, but for the id.
#pragma once

#include <string>

#include "ipc/core/clock.h"
#include "policies/policy.h"
#include "supervisor/run/run.h"

namespace nightjar {

// A new run of this handler, which is the revision's, received now, under this policy. Input,
// caller, request line and `done` are the caller's to fill in.
RunOrder NewOrder(const Clock& clock, const policy::Policy& policy,
                  const std::string& redaction_key, RevisionPtr revision,
                  const proto::HandlerEntry& handler);

}  // namespace nightjar
