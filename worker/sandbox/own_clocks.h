// Clocks for workers that say nothing of the host: CLOCK_MONOTONIC and CLOCK_BOOTTIME start near
// zero, in a time namespace of all workers of this zygote. CLOCK_REALTIME has no namespace.
#pragma once

#include "ipc/core/result.h"

namespace nightjar {

// For the zygote, while it has one thread and sees a /proc of its own processes; it and its forks
// have the new clocks afterwards. Needs no capability to set a clock (CAP_SYS_TIME), but user
// namespaces. After an error everything is as it was.
Status StartClocksAnew();

}  // namespace nightjar
