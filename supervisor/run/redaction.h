// What policy says of a run's redaction, as a worker is told it. Pure.
#pragma once

#include <string>

#include "ipc/proto/worker.pb.h"
#include "policies/limits.h"

namespace nightjar {

// `host_key`: of this host; the canvas's own, for what is to be hashed, is made of it. Empty: what
// is to be hashed is dropped.
proto::Redaction RedactionOf(const policy::Limits& limits, const std::string& host_key,
                             const std::string& canvas);

}  // namespace nightjar
