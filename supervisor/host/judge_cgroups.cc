#include "supervisor/host/finding.h"

namespace nightjar {
namespace {

constexpr char kMountUnified[] =
    "mount the unified tree: mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none "
    "/sys/fs/cgroup/unified";
constexpr char kDelegate[] =
    "start it in a control group that is this user's: systemd-run with Delegate=, or a chown";

// For who wants what the unified tree gives.
const char* FixOf(const HostFacts& facts) {
  bool ordinary = facts.privilege.kind == Privilege::Kind::kUserNamespace;
  return ordinary ? kDelegate : kMountUnified;
}

Finding OwnGroup(const HostFacts& facts) {
  const Hierarchies& h = facts.hierarchies;
  if (h.none())
    return {"cgroup", proto::DOCTOR_DEGRADED, "no control group to build in",
            "A run is known by its user id and its pid namespace alone: each of its processes is "
            "limited by itself, and a canvas not at all.",
            FixOf(facts)};
  const Trial& make = facts.cgroup_make;
  std::string found = h.Describe();
  if (!make.works()) found += "; making a group " + Said(make, "");
  return {"cgroup", StateOf(make), found,
          make.works() || make.untried() ? "Each run has a cgroup of its own."
                                         : "No run can have a cgroup of its own, so that nothing "
                                           "of a run could be limited or killed as a whole.",
          "run as root where " + facts.group_directory + " is mounted read-write"};
}

Finding Controller(const char* name, const ControllerPlace& place, const char* enforced,
                   const char* lost) {
  bool there = place.home != ControllerHome::kNone;
  std::string none = place.lost.empty() ? "no controller" : place.lost;
  std::string found = !there                              ? none
                      : place.home == ControllerHome::kV1 ? "v1, at " + place.mount
                                                          : "in the unified tree";
  return {name, there ? proto::DOCTOR_OK : proto::DOCTOR_MISSING, found, there ? enforced : lost,
          std::string("take the controller out of cgroup_disable= on the kernel's command line, or "
                      "have the container's or the service's manager pass ") +
              name + " on"};
}

// A limit that is not set unless policy asks for it, so that its lack keeps nobody from serving.
Finding Io(const HostFacts& facts) {
  const Hierarchies& h = facts.hierarchies;
  bool there = h.io.home != ControllerHome::kNone && !h.none();
  return {"io", there ? proto::DOCTOR_OK : proto::DOCTOR_DEGRADED,
          h.io.home == ControllerHome::kV1 ? "v1, at " + h.io.mount
          : there                          ? "in the unified tree"
          : h.io.lost.empty()              ? "no controller"
                                           : h.io.lost,
          there ? "Limit canvas_disk_read holds for programs that read a disk of this host."
                : "Limit canvas_disk_read is not enforced: programs of exec handlers read the "
                  "host's disks as fast as these can.",
          "have the container's or the service's manager pass io on, or mount the v1 hierarchy "
          "blkio"};
}

Finding Birth(const HostFacts& facts) {
  const Hierarchies& h = facts.hierarchies;
  if (!h.v1_alone())
    return {"cgroup-clone", StateOf(facts.cgroup_clone),
            Said(facts.cgroup_clone, "clone3 with CLONE_INTO_CGROUP works"),
            "A worker is born inside its limits, with no moment outside them.", kNewerKernel};
  return {"cgroup-clone", proto::DOCTOR_DEGRADED,
          h.none() ? "no control group" : "v1 takes a process that exists already",
          "A worker enters its limits by itself, as the first thing it does and before it has "
          "anything of a canvas.",
          FixOf(facts)};
}

Finding Kill(const HostFacts& facts) {
  const Hierarchies& h = facts.hierarchies;
  if (!h.v1_alone())
    return {
        "cgroup-kill", StateOf(facts.cgroup_kill), Said(facts.cgroup_kill, "cgroup.kill works"),
        "A kill reaches every process of a run at once, also those that fork as fast as they can.",
        kNewerKernel};
  return {"cgroup-kill", proto::DOCTOR_DEGRADED,
          h.none() ? "no control group" : "v1 kills no group",
          "A kill reaches every process of a run's user at once, through the first process of the "
          "workers' pid namespace; that they are gone has to be asked for.",
          FixOf(facts)};
}

Finding Freeze(const HostFacts& facts) {
  const Hierarchies& h = facts.hierarchies;
  bool frozen = !h.v1_alone() || h.freezer.home == ControllerHome::kV1;
  return {"freeze", frozen ? proto::DOCTOR_OK : proto::DOCTOR_DEGRADED,
          !h.v1_alone() ? "in the unified tree"
          : frozen      ? "v1, at " + h.freezer.mount
                        : "no freezer",
          frozen ? "A run stands still while the last sample before its kill is taken."
                 : "A run goes on while the last sample before its kill is taken, so that it may "
                   "have used a little more than its incident says.",
          FixOf(facts)};
}

Finding CpuTime(const HostFacts& facts) {
  const Hierarchies& h = facts.hierarchies;
  bool counted = !h.v1_alone() || h.none() || h.cpuacct.home == ControllerHome::kV1;
  return {"cpu-time", counted ? proto::DOCTOR_OK : proto::DOCTOR_MISSING,
          !h.v1_alone() ? "in the unified tree"
          : h.none()    ? "in /proc, process by process"
          : counted     ? "v1, at " + h.cpuacct.mount
                        : "no cpuacct",
          counted ? "The cpu time of a run is counted, all its processes together, and limit cpu "
                    "is watched."
                  : "Limit cpu is not watched: only the kernel's bound on each single process "
                    "holds, in whole seconds.",
          FixOf(facts)};
}

Finding Swap(const HostFacts& facts) {
  bool silent = !facts.swap || facts.swap_accounted || !facts.privilege.enough();
  return {"swap", silent ? proto::DOCTOR_OK : proto::DOCTOR_DEGRADED,
          !facts.swap                ? "no swap"
          : facts.swap_accounted     ? "swap is accounted"
          : facts.privilege.enough() ? "swap is not accounted"
                                     : "not tried: needs root",
          silent ? "A memory limit bounds all that a run can take."
                 : "A run at its memory limit can go on into swap and slow the host down.",
          "swapoff -a, or boot with swapaccount=1"};
}

}  // namespace

void JudgeCgroups(const HostFacts& facts, proto::DoctorAnswer& answer) {
  const Hierarchies& h = facts.hierarchies;
  Add(answer, OwnGroup(facts));
  Add(answer,
      Controller("memory", h.memory, "A run over its memory limit is killed by the kernel.",
                 "Memory is bounded for each process of a run alone (RLIMIT_DATA), not for all of "
                 "them together, nor for a canvas."));
  Add(answer,
      Controller("pids", h.pids, "A run cannot have more processes than its limit.",
                 "The processes of a run are bounded through its user (RLIMIT_NPROC), which no "
                 "verdict names, and those of a canvas not at all."));
  Add(answer,
      Controller("cpu", h.cpu, "Canvases share the processors by weight, and cpu quotas hold.",
                 "A canvas's weight and cpu quota are not enforced; the cpu time of a run still "
                 "is, by the watchdog."));
  Add(answer, Io(facts));
  Add(answer, Birth(facts));
  Add(answer, Kill(facts));
  Add(answer, Freeze(facts));
  Add(answer, CpuTime(facts));
  Add(answer, Swap(facts));
}

}  // namespace nightjar
