// What was found out about a host, as values. Gathering them asks the kernel; judging them is pure.
#pragma once

#include <array>
#include <string>

#include "ipc/proto/control.pb.h"
#include "supervisor/cell/hierarchies.h"
#include "supervisor/host/privilege.h"

namespace nightjar {

// The outcome of trying something: an errno, or that it was not tried for want of root.
struct Trial {
  static constexpr int kUntried = -1;
  int error = kUntried;  // 0: it works

  bool works() const { return error == 0; }
  bool untried() const { return error == kUntried; }
};

struct HostFacts {
  Privilege privilege;
  std::string kernel;           // "6.1.0-28-amd64"
  Hierarchies hierarchies;      // what this process may use of them
  std::string group_directory;  // where it may make groups; "" nowhere
  Trial cgroup_make;            // making and removing a group
  Trial cgroup_clone;           // clone3 with CLONE_INTO_CGROUP
  Trial cgroup_kill;            // killing that process through cgroup.kill
  struct Namespace {
    const char* name;
    Trial trial;
  };
  std::array<Namespace, 5> namespaces{
      {{"pid", {}}, {"mnt", {}}, {"net", {}}, {"ipc", {}}, {"uts", {}}}};
  Trial user_namespace;
  bool time_namespace = false;  // the kernel has them
  Trial seccomp;
  Trial seccomp_listener;  // user notification
  int landlock_abi = 0;    // 0: none
  Trial pidfd;
  Trial memfd_seals;
  Trial realtime;
  bool pressure = false;
  bool swap = false;
  bool swap_accounted = false;
};

// Never fails: what cannot be found out is a fact too.
HostFacts GatherHostFacts(const Privilege& privilege);

proto::DoctorAnswer Judge(const HostFacts& facts);

// Of a release text, {major, minor}; {0, 0} when it is no release.
std::pair<int, int> KernelVersion(const std::string& release);

}  // namespace nightjar
