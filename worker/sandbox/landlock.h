// Denies a process everything that the kernel's Landlock can deny, for good: a second wall behind
// the empty root and the empty network.
//
// The zygote makes the rule set once, which knows no exception; each worker puts it on itself. A
// kernel without Landlock is no failure here: `nightjar doctor` says so, and refuses to serve
// unless the operator goes without.
#pragma once

#include "ipc/core/fd.h"
#include "ipc/core/result.h"

namespace nightjar {

// Files, TCP ports, and, where the kernel's version knows them, abstract sockets and signals to
// processes outside. Not valid() on a kernel without Landlock.
Result<Fd> CreateDenyAllRuleset();

// Async-signal-safe. 0, or -1 with errno. Does nothing for -1, the absent rule set.
int DenyEverything(int ruleset_fd);

// The same for a worker whose root is the programs' (programs_world.h): reading and running
// what is there, everything in /tmp and below `files_fd`, writing to the devices; no TCP, no
// abstract socket or signal to the outside. Async-signal-safe. 0, or -1 with errno; does nothing
// without Landlock.
int DenyAllButPrograms(int files_fd);

}  // namespace nightjar
