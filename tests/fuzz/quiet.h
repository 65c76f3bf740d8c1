// Ends the logs: what the code under a fuzzer says of its inputs is no news.
#pragma once

#include "ipc/core/log.h"
#include "ipc/proto/no_log.h"

namespace nightjar::fuzz {

inline void BeQuiet() {
  static const bool done = (FlushLog(), EndProtobufLog(), true);
  static_cast<void>(done);
}

}  // namespace nightjar::fuzz
