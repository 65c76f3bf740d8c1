// What a service manager passed is looked at before it is served on: its units are an operator's to
// write, and what it kept lay with somebody else meanwhile. Any thread.
#pragma once

#include <vector>

#include "ipc/core/fd.h"
#include "ipc/core/result.h"

namespace nightjar {

// The one socket to serve canvases on, out of what the manager passed: a listening TCP socket, made
// non-blocking. kInvalid for anything else, and for more than one.
Result<Fd> TheListener(std::vector<Fd> sockets);

// A connected TCP socket, made non-blocking, that a server may go on with. Anything else is
// kInvalid, and one that broke meanwhile is the kernel's error.
Result<Fd> CheckConnection(Fd fd);

}  // namespace nightjar
