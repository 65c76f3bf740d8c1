// What happened to a canvas: one line an event, oldest first. Pure.
#pragma once

#include <string>

#include "ipc/proto/control.pb.h"
#include "supervisor/cli/paint.h"

namespace nightjar::cli {

std::string RenderTimeline(const proto::Timeline& timeline, const Paint& paint);

}  // namespace nightjar::cli
