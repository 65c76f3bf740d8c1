// The state directory: who owns it, which version it is, and that only one supervisor uses it.
//
//   DIR/version       "nightjar-state 1"
//   DIR/lock          locked while a supervisor runs
//   DIR/redaction.key what redacted values are hashed under (redaction_key.h)
//   DIR/control.sock  the control plane
//   DIR/ledger        the name of the ledger of runs (ipc/ledger)
//   DIR/store/        the writer's own
//
// Opened as root, before privileges are dropped. Every refusal says in one line what to do.
#pragma once

#include <string>

#include "ipc/core/fd.h"
#include "ipc/core/result.h"

namespace nightjar {

class StateDir {
 public:
  // Makes the directory when it is missing and gives it to `owner_uid`. An existing one must be
  // empty, or ours: same owner, same version, not in use.
  static Result<StateDir> Open(const std::string& path, uint32_t owner_uid);

  const std::string& path() const { return path_; }
  std::string control_socket() const { return path_ + "/control.sock"; }

 private:
  StateDir(std::string path, Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  Fd lock_;
};

}  // namespace nightjar
