// How a program that was started as root becomes an ordinary user for good.
#pragma once

#include <cstdint>

#include "ipc/core/result.h"

namespace nightjar {

// Root to this user and group, with no supplementary group, no capability, none to gain again
// (no_new_privs), and no core dumps, which would hold tenants' data. Checks that it worked: an
// error must end the process. While the process has one thread.
Status DropPrivileges(uint32_t uid, uint32_t gid);

// Lets the calling thread and those it starts go before the tenants' work on a busy machine: `nice`
// as in setpriority(2), below 0. Before DropPrivileges; where it is refused, that is logged and all
// else works.
void RaisePriority(int nice);

// Lets the calling thread, and what it starts, go before all ordinary work of the machine, the
// moment that they are woken: a real-time priority, the lowest but one. Nice values do not do that:
// they count within a session (sched(7), autogroups), and a thread that is woken waits for
// another's turn to end. For threads that work little at a time. Before DropPrivileges.
Status RaiseToRealTime();

// After it what the calling thread starts is ordinary again, and the thread itself goes after those
// that it has started so far. Needs no privilege; nothing where RaiseToRealTime was refused.
void KeepRealTimeToItself();

// Both at once: the calling thread alone goes before all ordinary work, with the lowest real-time
// priority, and what it starts is ordinary. For one that does little at a time for who waits, and
// starts tenants' work. Before privileges are dropped.
Status RaiseItselfToRealTime();

}  // namespace nightjar
