#include "supervisor/app/exec_disks.h"

#include <algorithm>

#include "supervisor/cell/disks.h"

namespace nightjar {

ExecDisks FindExecDisks(const std::vector<std::string>& paths) {
  ExecDisks found;
  for (const std::string& path : paths) {
    std::optional<Disk> disk = DiskOf(path);
    if (!disk)
      found.elsewhere.push_back(path);
    else if (std::find(found.disks.begin(), found.disks.end(), *disk) == found.disks.end())
      found.disks.push_back(*disk);
  }
  return found;
}

}  // namespace nightjar
