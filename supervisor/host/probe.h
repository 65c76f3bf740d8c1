// What this host can enforce: the checks behind `nightjar doctor`, and the gate before `nightjar
// serve`.
//
// Probe() tries the real thing where that is cheap: short-lived children that unshare, install a
// filter or ask for real-time scheduling, and one cgroup named nightjar-probe-<pid>, for a
// millisecond. It leaves nothing behind and changes nothing of the caller. Call it before
// privileges are dropped and before threads are started; a supervisor keeps the answer for its
// control socket, because asked later it could only tell what an unprivileged process sees. Blocks
// some 10 to 30 ms.
#pragma once

#include <span>
#include <string>

#include "ipc/core/result.h"
#include "ipc/proto/control.pb.h"
#include "supervisor/host/privilege.h"

namespace nightjar {

// `privilege`: what GainPrivilege() found.
proto::DoctorAnswer Probe(const Privilege& privilege);

// Whether to serve: nothing that is missing may be absent from `without`. The error is one line
// that names what is missing and how to go on without it. kInvalid: a name that is no check.
// kUnsupported: missing, or named although nothing works without it.
Status Require(const proto::DoctorAnswer& answer, std::span<const std::string> without);

}  // namespace nightjar
