// One event of the supervisor's feed as a line for a person. Pure.
#pragma once

#include <string>

#include "ipc/proto/control.pb.h"
#include "supervisor/cli/paint.h"

namespace nightjar::cli {

std::string RenderEvent(const proto::FeedEvent& event, const Paint& paint);

}  // namespace nightjar::cli
