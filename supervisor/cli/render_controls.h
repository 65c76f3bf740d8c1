// What `nightjar` prints of controls and of the audit log. Pure: a message in, text out.
#pragma once

#include <string>

#include "ipc/proto/control.pb.h"
#include "supervisor/cli/paint.h"

namespace nightjar::cli {

std::string RenderControlMade(const proto::ControlAnswer& answer);
std::string RenderControls(const proto::ControlList& list, const Paint& paint);
std::string RenderAudit(const proto::AuditList& list, const Paint& paint);

}  // namespace nightjar::cli
