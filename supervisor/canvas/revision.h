// One deployed version of a canvas: immutable, shared by every worker and run that uses it.
//
// The program is an immutable memfd that workers map; the supervisor never looks inside. A run
// keeps the revision it started with, however many deploys happen meanwhile.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "ipc/core/fd.h"
#include "ipc/core/ids.h"
#include "ipc/proto/worker.pb.h"
#include "supervisor/route/router.h"

namespace nightjar {

struct Revision {
  std::string canvas;
  RevisionNumber number = 0;
  proto::Manifest manifest;
  Fd program;
  uint64_t program_bytes = 0;
  int64_t deployed_unix_ms = 0;
  Router router;

  // By tlid; null when there is none.
  const proto::HandlerEntry* Handler(Tlid tlid) const;
  // By name, for `nightjar run`: "GET /users/:id", or a worker's, cron's or REPL's name. Null when
  // there is none.
  const proto::HandlerEntry* HandlerNamed(const std::string& name) const;
};

using RevisionPtr = std::shared_ptr<const Revision>;

}  // namespace nightjar
