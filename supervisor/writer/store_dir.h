// The writer's own directory: who owns it, which version it is, and that one writer at a time uses
// it.
//
//   DIR/version      "nightjar-store 1"
//   DIR/lock         locked while a writer runs
//   DIR/index.db     traces, holds, incidents  DIR/catalog.db   canvases and revisions
//   DIR/traces/      trace objects           DIR/missed.db    requests that no route took
//   DIR/audit/       who did what            DIR/controls.db  controls in force
//
// Every refusal says in one line what to do.
#pragma once

#include <cstdint>
#include <string>

#include "ipc/core/fd.h"
#include "ipc/core/result.h"

namespace nightjar {

class StoreDir {
 public:
  // Makes the directory and gives it to this user. As root, or as the user itself.
  static Status Prepare(const std::string& path, uint32_t uid, uint32_t gid);
  // As the user. Waits (bounded by kStoreLockWait) for the last writer, which may still be sealing
  // what its supervisor left open.
  static Result<StoreDir> Open(const std::string& path);

 private:
  explicit StoreDir(Fd lock) : lock_(std::move(lock)) {}
  Fd lock_;
};

}  // namespace nightjar
