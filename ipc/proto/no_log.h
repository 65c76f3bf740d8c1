// Protobuf's own log, ended: it writes lines of its own form to standard error, about what others
// sent, as often as they send it. Whoever parses tells of it in an event, once.
//
// For main(), before anything is parsed.
#pragma once

#include <google/protobuf/stubs/logging.h>

namespace nightjar {

inline void EndProtobufLog() {
  google::protobuf::SetLogHandler(nullptr);
}

}  // namespace nightjar
