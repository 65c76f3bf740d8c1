// What policy says of a run's redaction, as a worker is told it. Pure.
#pragma once

#include <string>

#include "ipc/proto/worker.pb.h"
#include "policies/limits.h"

namespace nightjar {

// `key`: of the canvas, for what is to be hashed.
proto::Redaction RedactionOf(const policy::Limits& limits, const std::string& key);

}  // namespace nightjar
