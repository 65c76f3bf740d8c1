// What the audit log says of a request on the control plane, and of what a rule does. Pure.
#pragma once

#include <string>

#include "ipc/proto/control.pb.h"
#include "supervisor/control/url.h"
#include "supervisor/http/server.h"

namespace nightjar {

// Who wants what of which canvas, and why. What becomes of it comes later.
proto::AuditEntry EntryOf(const http::Request& request, const ControlUrl& url);

// What the supervisor does because a rule hits; `object` is what of the canvas it is about.
proto::AuditEntry EntryOfHit(const proto::RuleHit& hit, const std::string& action,
                             const std::string& object);

void AddParameter(const std::string& name, const std::string& value, proto::AuditEntry* entry);

}  // namespace nightjar
