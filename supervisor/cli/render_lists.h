// What `nightjar` prints as tables: canvases, runs, traces, holds, requests without a route,
// incidents and their chain, limits, functions, doctor. Pure: a message in, text out.
#pragma once

#include <string>

#include "ipc/proto/control.pb.h"
#include "supervisor/cli/paint.h"

namespace nightjar::cli {

std::string RenderCanvases(const proto::CanvasList& list, const Paint& paint);
std::string RenderRuns(const proto::RunList& list, const Paint& paint);
std::string RenderTraces(const proto::TraceList& list, const Paint& paint);
std::string RenderHolds(const proto::HoldList& list, const Paint& paint);
std::string RenderMissed(const proto::MissedList& list, const Paint& paint);
std::string RenderIncidents(const proto::IncidentList& list, const Paint& paint);
// Across canvases: with their callers and codes.
std::string RenderSimilar(const proto::IncidentList& list, const Paint& paint);
// What the chain's links are called.
struct ChainWords {
  const char* one = "incident";
  const char* many = "incidents";
};
std::string RenderChain(const proto::ChainAnswer& chain, const Paint& paint,
                        const ChainWords& words = {});
std::string RenderLimits(const proto::LimitsAnswer& answer, const Paint& paint);
std::string RenderFunctions(const proto::FunctionList& list, const Paint& paint);
std::string RenderDoctor(const proto::DoctorAnswer& answer, const Paint& paint);

}  // namespace nightjar::cli
