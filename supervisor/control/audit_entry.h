// What the audit log says of a request on the control plane. Pure.
#pragma once

#include "ipc/proto/control.pb.h"
#include "supervisor/control/url.h"
#include "supervisor/http/server.h"

namespace nightjar {

// Who wants what of which canvas, and why. What becomes of it comes later.
proto::AuditEntry EntryOf(const http::Request& request, const ControlUrl& url);

}  // namespace nightjar
