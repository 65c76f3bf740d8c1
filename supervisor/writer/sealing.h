// From an open trace and the supervisor's word about its end to what the archive stores.
//
// Pure but for the ring, which is read for its evidence when the run was killed. Single thread.
#pragma once

#include <span>

#include "ipc/proto/writer.pb.h"
#include "supervisor/writer/archive.h"
#include "supervisor/writer/open_trace.h"

namespace nightjar {

struct RingFacts {
  std::span<const std::byte> bytes;  // empty: the run had no ring
  bool resumed = false;
  std::string_view condemned;  // empty: it is not
};

// `ended` has an incident when the run was killed; last events and open calls are added to it here.
SealedRun SealRun(OpenTrace& trace, proto::RunEnded ended, const RingFacts& ring);

// A run that never began: there is only its incident, if any.
SealedRun SealUnbegun(const RunId& run, proto::RunEnded ended);

// What there is to say of a run whose supervisor is gone.
proto::RunEnded SupervisorLost(const OpenTrace& trace, std::span<const std::byte> ring,
                               int64_t now_unix_us);

}  // namespace nightjar
