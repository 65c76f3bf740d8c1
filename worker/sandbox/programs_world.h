// The root that programs of exec handlers see: chosen paths of this host or the content of one
// directory, four devices, a few files in /etc, and nothing else; and what each worker mounts over
// it for itself.
//
// The zygote makes the root once and every worker inherits a copy of its mounts. It is read-only,
// without set-user-id programs and without devices but those four: null, zero, random, urandom.
// What is shown of the host is the file system at each path alone: nothing that is mounted below
// it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ipc/core/result.h"

namespace nightjar {

// One of the two.
struct ProgramsRoot {
  std::vector<std::string> paths;  // whole paths of the host, each shown at the same place
  std::string directory;           // what is in it is shown below /
};

// New network, mount, ipc and uts namespaces with that root. What is not there is an Error. As
// root; single-threaded; once.
Status EnterProgramsWorld(const ProgramsRoot& root);

// In a worker, before it gives up CAP_SYS_ADMIN: a /tmp of its own; an empty /app, which only the
// returned descriptor can fill and nothing can change by its name; and a /proc in which it sees its
// own processes and nothing of the kernel's. -1 with errno.
int MountOwnFiles(uint32_t uid, uint64_t tmp_bytes);

}  // namespace nightjar
