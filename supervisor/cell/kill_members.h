// SIGKILL to each process that a v1 group lists, one by one: what there is without cgroup.kill.
//
// For those who may signal them: root, and the processes' own user. One look at a group that forks
// meanwhile may miss some, so callers look again until it is empty.
#pragma once

namespace nightjar {

// `levels`: how many levels of groups below that one are taken as well.
void KillMembers(int group_dir, int levels);

}  // namespace nightjar
