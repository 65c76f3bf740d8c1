// What a pidfd says of its process. Any thread.
#pragma once

#include "ipc/core/fd.h"

namespace nightjar {

// The process's number in this one's pid namespace. 0: it is gone, or there is no /proc.
int NumberOf(const Fd& pidfd);

}  // namespace nightjar
