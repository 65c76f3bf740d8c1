// An incident, readable in a minute: what happened in one sentence first, then the evidence. Pure.
#pragma once

#include <string>

#include "ipc/proto/control.pb.h"
#include "supervisor/cli/paint.h"
#include "supervisor/cli/plot.h"
#include "supervisor/cli/render_value.h"

namespace nightjar::cli {

// One sentence, and one more of the limit where that does not name it; and what was used of the
// limits.
std::string RenderWhatHappened(const proto::Incident& incident, const Paint& paint);
std::string RenderLimitsUsed(const proto::Incident& incident, const Paint& paint);

std::string RenderIncident(const proto::Incident& incident, Detail detail, Glyphs glyphs,
                           const Paint& paint);

}  // namespace nightjar::cli
