// The request of an earlier run, out of what its trace shows. Pure.
#pragma once

#include <string>
#include <string_view>

#include "ipc/core/result.h"
#include "ipc/proto/worker.pb.h"

namespace nightjar {

// `run` is to do an earlier one again: fills its http, which has the method, from the replay, and
// the request's body. An Error says why that cannot be.
Status FillAgain(std::string_view replay, proto::Run* run, std::string* body);

}  // namespace nightjar
