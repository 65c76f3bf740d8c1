// What it takes to do a stored run again, out of its trace: the input, the route's variables, and
// what built-in functions returned that called nothing themselves, the impure ones among them.
//
// Calls behind the first hole of a trace are left out: their order is not known. Any thread.
#pragma once

#include <string_view>

#include "ipc/core/ids.h"
#include "ipc/core/result.h"
#include "ipc/proto/writer.pb.h"

namespace nightjar {

// row is left empty. kUnsupported for an object of another version.
Result<proto::ReplayAnswer> MakeReplay(std::string_view object, const RunId& run);

// The same for one function alone: its arguments, and what was returned within that call; with
// other arguments, what was returned in all of the run. kNotFound: there is no such call.
Result<proto::ReplayAnswer> MakeFunctionReplay(std::string_view object, const RunId& run,
                                               const proto::ReplayFunction& function);

}  // namespace nightjar
