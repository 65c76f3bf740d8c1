// An incident, readable in a minute: what happened in one sentence first, then the evidence. Pure.
#pragma once

#include <string>

#include "ipc/proto/control.pb.h"
#include "supervisor/cli/paint.h"
#include "supervisor/cli/plot.h"
#include "supervisor/cli/render_value.h"

namespace nightjar::cli {

std::string RenderIncident(const proto::Incident& incident, Detail detail, Glyphs glyphs,
                           const Paint& paint);

}  // namespace nightjar::cli
