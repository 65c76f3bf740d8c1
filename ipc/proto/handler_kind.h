// What operators call the kinds of handlers of a canvas file. Pure; any thread.
#pragma once

#include <string_view>

#include "ipc/proto/worker.pb.h"

namespace nightjar {

// Empty: of no kind that this version knows.
inline std::string_view HandlerKindWord(proto::HandlerKind kind) {
  switch (kind) {
    case proto::HANDLER_KIND_HTTP:
      return "http";
    case proto::HANDLER_KIND_WORKER:
      return "worker";
    case proto::HANDLER_KIND_CRON:
      return "cron";
    case proto::HANDLER_KIND_REPL:
      return "repl";
    default:
      return "";
  }
}

}  // namespace nightjar
