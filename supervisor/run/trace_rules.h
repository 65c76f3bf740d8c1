// What the storage writer is told about keeping a run's trace. Pure.
#pragma once

#include <optional>

#include "ipc/proto/writer.pb.h"
#include "policies/limits.h"

namespace nightjar {

// Who wanted the run: a client, or somebody on the control plane, who wants to see its trace.
enum class WantedBy { kClient, kOperator };

// nullopt: it is kept, whatever comes of it.
std::optional<proto::TraceRules> TraceRulesOf(const policy::Limits& limits, WantedBy wanted);

}  // namespace nightjar
