// How an ordinary user's supervisor starts: as the root of a user namespace of its own, where all
// that follows is the same as for the host's root.
//
// Ids inside: 0 is the user, the rest come from the user's ranges in /etc/subuid and /etc/subgid,
// which newuidmap(1) grants. So each worker has a user of its own here too; a namespace of a single
// id would not give that wall, and so is not made (docs/adr/0013-rootless.md).
#pragma once

#include <cstdint>

#include "ipc/core/result.h"

namespace nightjar {

// For a process of one thread that is not root. `ids`: how many it needs, its own among them. After
// success it is uid and gid 0 of the namespace, with every capability there and none outside. After
// an error it is as it was before, or it is in a namespace where it can do nothing: end it. The
// error says what the host's administrator would have to do.
Status EnterUserNamespace(uint32_t ids);

}  // namespace nightjar
