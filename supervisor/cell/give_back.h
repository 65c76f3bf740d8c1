// Makes the kernel let go of what is still charged to a group that nobody is in.
//
// Pages of files that a run was the first to read stay in the host's cache and keep its group alive
// after the rmdir, unseen ("dying"), until somebody needs the memory: on a host with plenty of it,
// for good. So they go before the group does. Loop thread only.
#pragma once

#include <cstdint>
#include <string>

namespace nightjar {

// `parent`: the directory, in the memory controller's hierarchy, that has the group `name`. At most
// about `bytes` in one call, which takes a millisecond for some mebibytes. True when there is no
// more to be had, also where the host has no memory controller; what is used by others too, a ring
// for one, stays charged.
bool GiveBackMemory(int parent, const std::string& name, uint64_t bytes);

}  // namespace nightjar
