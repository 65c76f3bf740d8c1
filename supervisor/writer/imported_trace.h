// From the events of a run that happened elsewhere to what the archive stores.
//
// What the supervisor says of the run is believed; the events are a worker's, and each is looked at
// as one out of a ring is. All or nothing. Any thread.
#pragma once

#include "ipc/core/fd.h"
#include "supervisor/writer/archive.h"

namespace nightjar {

// kProtocol for events that are not what they should be.
Result<SealedRun> SealImported(proto::ImportTrace import, const Fd& events);

}  // namespace nightjar
