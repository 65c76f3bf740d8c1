// One cgroup, one process born into it, one kill: the life of a cell in small, to see that this
// host can do it. Of a host with v1 alone, which can do neither to a group, the cgroup only.
#pragma once

#include "supervisor/host/host_facts.h"

namespace nightjar {

// Fills in the cgroup_* trials and swap_accounted. Root only. Removes what it makes,
// and what one before it made that was killed meanwhile.
void TryCell(HostFacts& facts);

}  // namespace nightjar
