// What canvases have used, as a table with a line for the sum. Pure: a message in, text out.
#pragma once

#include <string>

#include "ipc/proto/control.pb.h"
#include "supervisor/cli/paint.h"

namespace nightjar::cli {

std::string RenderUsage(const proto::UsageList& list, const Paint& paint);

}  // namespace nightjar::cli
