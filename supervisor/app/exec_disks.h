// The disks that programs of exec handlers read from.
#pragma once

#include <string>
#include <vector>

#include "supervisor/cell/cell.h"

namespace nightjar {

struct ExecDisks {
  std::vector<Disk> disks;             // each once
  std::vector<std::string> elsewhere;  // what is shown and is on none of them
};

// Of `paths`: the file system at each, and nothing that is mounted further below, which programs
// do not see either.
ExecDisks FindExecDisks(const std::vector<std::string>& paths);

}  // namespace nightjar
