// What `nightjar policy` prints. Pure: a message in, text out.
#pragma once

#include <string>

#include "ipc/proto/control.pb.h"
#include "supervisor/cli/paint.h"

namespace nightjar::cli {

// "file:line:column: sentence", a line each.
std::string RenderComplaints(const proto::PolicyCheck& check, const Paint& paint);
std::string RenderPolicyDiff(const proto::PolicyDiff& diff, const Paint& paint);
// What each layer says, later ones below, and which one holds.
std::string RenderExplained(const proto::LimitsAnswer& answer, const Paint& paint);
// What the limits of an answer are of, and by what they hold: "..., policy 3f2a9c01b7de, load 2 at
// ...".
std::string LimitsHeading(const proto::LimitsAnswer& answer);

}  // namespace nightjar::cli
