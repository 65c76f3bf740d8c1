// What the supervisor starts with: root of the host, or of a user namespace of its own.
//
// The same start for both: whoever is not root makes itself root of a namespace first, and all that
// needs root at the start - control groups, namespaces, users for the workers - goes on from there.
#pragma once

#include <cstdint>
#include <string>

#include "ipc/core/result.h"

namespace nightjar {

struct Privilege {
  enum class Kind { kRoot, kUserNamespace, kNone };
  Kind kind = Kind::kNone;
  uint32_t user = 0;         // who started it, as the host knows them
  std::string refused = {};  // of kNone: why there is no user namespace

  bool enough() const { return kind != Kind::kNone; }
};

// For a process of one thread, once, before everything else. `ids`: how many user ids the process
// and its workers need.
Privilege GainPrivilege(uint32_t ids);

}  // namespace nightjar
