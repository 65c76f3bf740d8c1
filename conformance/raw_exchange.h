// Sends bytes to a server of this same loop, and returns the first whole response.
#pragma once

#include <string>
#include <string_view>

#include "ipc/core/clock.h"
#include "ipc/core/result.h"
#include "supervisor/loop/loop.h"

namespace nightjar::conformance {

// Turns the loop until the response is there: up to its Content-Length, or to the end of the
// connection. kTimedOut: it never was, for as long as `patience`.
Result<std::string> Exchange(Loop& loop, const std::string& address, std::string_view request,
                             Nanos patience);

}  // namespace nightjar::conformance
