// The parts of an incident that were seen from outside of the run: what it used over its time, what
// the kernel counted, its processes. Pure; an absent part is an empty text.
#pragma once

#include <string>

#include "ipc/proto/control.pb.h"
#include "supervisor/cli/paint.h"
#include "supervisor/cli/plot.h"

namespace nightjar::cli {

inline constexpr size_t kPlotColumns = 48;
std::string RenderUsageOverTime(const proto::Incident& incident, Glyphs glyphs, const Paint& paint,
                                size_t plot_columns = kPlotColumns);
// One line each, without its end: what the kernel did to the run, and what held it up.
std::string KernelText(const proto::CellEvents& events);
std::string HeldUpText(const proto::CellEvents& events);
std::string RenderProcesses(const proto::Incident& incident, const Paint& paint);
std::string RenderLeftOut(const proto::Incident& incident, const Paint& paint);

}  // namespace nightjar::cli
