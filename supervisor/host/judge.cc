#include <cstdio>
#include <cstring>

#include "supervisor/host/host_facts.h"

namespace nightjar {
namespace {

using proto::DoctorState;

// What to say of one check. `fix` is for the state that is not ok.
struct Finding {
  const char* name;
  DoctorState state;
  std::string found;
  std::string means;
  std::string fix;
};

void Add(proto::DoctorAnswer& answer, Finding finding) {
  proto::DoctorCheck& check = *answer.add_checks();
  check.set_name(finding.name);
  check.set_state(finding.state);
  check.set_found(std::move(finding.found));
  check.set_means(std::move(finding.means));
  if (finding.state != proto::DOCTOR_OK) check.set_fix(std::move(finding.fix));
}

std::string Said(const Trial& trial, std::string_view good) {
  if (trial.works()) return std::string(good);
  if (trial.untried()) return "not tried: needs root";
  return std::string("refused: ") + strerror(trial.error);
}

DoctorState StateOf(const Trial& trial, DoctorState otherwise = proto::DOCTOR_MISSING) {
  if (trial.works()) return proto::DOCTOR_OK;
  return trial.untried() ? proto::DOCTOR_DEGRADED : otherwise;
}

constexpr char kNewerKernel[] = "boot a kernel of 5.14 or newer; Debian 12 has 6.1";

Finding StartOf(const Privilege& privilege) {
  constexpr char kAllOfIt[] =
      "Root is needed at the start alone, for cgroups and the helpers; the supervisor drops it "
      "before it serves.";
  switch (privilege.kind) {
    case Privilege::Kind::kRoot:
      return {"start", proto::DOCTOR_OK, "as root", kAllOfIt, ""};
    case Privilege::Kind::kUserNamespace:
      return {"start", proto::DOCTOR_OK,
              "as root of a user namespace of uid " + std::to_string(privilege.user),
              "Nothing of it was ever root of the host. Limits are those that were delegated to "
              "this user, as the checks below say.",
              ""};
    case Privilege::Kind::kNone:
      break;
  }
  return {"start", proto::DOCTOR_MISSING,
          "as uid " + std::to_string(privilege.user) + "; no user namespace: " + privilege.refused,
          kAllOfIt, "use sudo, or the systemd unit; or give this user a user namespace"};
}

void JudgeStart(const HostFacts& facts, proto::DoctorAnswer& answer) {
  Add(answer, StartOf(facts.privilege));
  auto version = KernelVersion(facts.kernel);
  bool enough = version >= std::pair(5, 14);
  Add(answer, {"kernel", enough ? proto::DOCTOR_OK : proto::DOCTOR_MISSING, "Linux " + facts.kernel,
               enough ? "Everything that Nightjar builds on can be there."
                      : "clone3 into a cgroup (5.7) and cgroup.kill (5.14) are not both there, so "
                        "that no run could be killed for certain.",
               kNewerKernel});
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
                      "have the container's ") +
              "manager pass " + name + " on"};
}

constexpr char kMountUnified[] =
    "mount the unified tree: mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none "
    "/sys/fs/cgroup/unified";

// What the unified tree gives whole, v1 alone in part.
void JudgeReach(const HostFacts& facts, proto::DoctorAnswer& answer) {
  const Hierarchies& h = facts.hierarchies;
  if (h.v1_alone()) {
    Add(answer,
        {"cgroup-clone", proto::DOCTOR_DEGRADED, "v1 takes a process that exists already",
         "A worker enters its limits by itself, as the first thing it does and before it has "
         "anything of a canvas.",
         kMountUnified});
    Add(answer,
        {"cgroup-kill", proto::DOCTOR_DEGRADED, "v1 kills no group",
         "A kill reaches every process of a run's user at once, through the first process of "
         "the workers' pid namespace; that they are gone has to be asked for.",
         kMountUnified});
  } else {
    Add(answer, {"cgroup-clone", StateOf(facts.cgroup_clone),
                 Said(facts.cgroup_clone, "clone3 with CLONE_INTO_CGROUP works"),
                 "A worker is born inside its limits, with no moment outside them.", kNewerKernel});
    Add(answer,
        {"cgroup-kill", StateOf(facts.cgroup_kill), Said(facts.cgroup_kill, "cgroup.kill works"),
         "A kill reaches every process of a run at once, also those that fork as fast as they can.",
         kNewerKernel});
  }
  bool frozen = !h.v1_alone() || h.freezer.home == ControllerHome::kV1;
  Add(answer,
      {"freeze", frozen ? proto::DOCTOR_OK : proto::DOCTOR_DEGRADED,
       !h.v1_alone() ? "in the unified tree"
       : frozen      ? "v1, at " + h.freezer.mount
                     : "no freezer",
       frozen ? "A run stands still while the last sample before its kill is taken."
              : "A run goes on while the last sample before its kill is taken, so that it may "
                "have used a little more than its incident says.",
       kMountUnified});
  bool counted = !h.v1_alone() || h.cpuacct.home == ControllerHome::kV1;
  Add(answer,
      {"cpu-time", counted ? proto::DOCTOR_OK : proto::DOCTOR_MISSING,
       !h.v1_alone() ? "in the unified tree"
       : counted     ? "v1, at " + h.cpuacct.mount
                     : "no cpuacct",
       counted ? "The cpu time of a run is counted, all its processes together, and limit cpu "
                 "is watched."
               : "Limit cpu is not watched: only the kernel's bound on each single process "
                 "holds, in whole seconds.",
       kMountUnified});
}

void JudgeCgroups(const HostFacts& facts, proto::DoctorAnswer& answer) {
  const Hierarchies& h = facts.hierarchies;
  bool somewhere = !h.none();
  Trial make = somewhere ? facts.cgroup_make : Trial{ENOENT};
  std::string found = h.Describe();
  if (!make.works() && somewhere) found += "; making a group " + Said(make, "");
  Add(answer,
      {"cgroup", StateOf(make), found,
       make.works() || make.untried() ? "Each run has a cgroup of its own."
                                      : "No run can have a cgroup of its own, so that nothing of a "
                                        "run could be limited or killed as a whole.",
       somewhere ? "run as root where " + facts.group_directory + " is mounted read-write"
                 : kMountUnified});
  Add(answer,
      Controller("memory", h.memory, "A run over its memory limit is killed by the kernel.",
                 "Memory limits are not enforced: one run can take all memory of the host."));
  Add(answer, Controller("pids", h.pids, "A run cannot have more processes than its limit.",
                         "Process limits are not enforced: one run can fill the process table."));
  Add(answer,
      Controller("cpu", h.cpu, "Canvases share the processors by weight, and cpu quotas hold.",
                 "A canvas's weight and cpu quota are not enforced; the cpu time of a run still "
                 "is, by the watchdog."));
  JudgeReach(facts, answer);
  bool silent = !facts.swap || facts.swap_accounted || !facts.privilege.enough();
  Add(answer, {"swap", silent ? proto::DOCTOR_OK : proto::DOCTOR_DEGRADED,
               !facts.swap                ? "no swap"
               : facts.swap_accounted     ? "swap is accounted"
               : facts.privilege.enough() ? "swap is not accounted"
                                          : "not tried: needs root",
               silent ? "A memory limit bounds all that a run can take."
                      : "A run at its memory limit can go on into swap and slow the host down.",
               "swapoff -a, or boot with swapaccount=1"});
}

void JudgeWalls(const HostFacts& facts, proto::DoctorAnswer& answer) {
  std::string works, fails;
  bool untried = false;
  for (const auto& [name, trial] : facts.namespaces) {
    untried = untried || trial.untried();
    std::string& list = trial.works() ? works : fails;
    list += std::string(list.empty() ? "" : ", ") + name;
  }
  DoctorState state = fails.empty() ? proto::DOCTOR_OK
                      : untried     ? proto::DOCTOR_DEGRADED
                                    : proto::DOCTOR_MISSING;
  Add(answer,
      {"namespaces", state,
       untried ? "not tried: needs root" : works + (fails.empty() ? "" : "; refused: " + fails),
       "A worker sees no process, mount, network or host name but its own.",
       "allow these namespaces to root here: a container's manager or its seccomp profile is in "
       "the way"});
  Add(answer, {"user-namespaces", StateOf(facts.user_namespace, proto::DOCTOR_DEGRADED),
               Said(facts.user_namespace, "works"),
               facts.user_namespace.works() ? "An ordinary user could start Nightjar too."
                                            : "Nightjar has to be started as root.",
               "sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone or AppArmor "
               "refuse them; nothing needs them where root starts it"});
  bool own_clocks = facts.time_namespace && facts.user_namespace.works();
  Add(answer, {"clocks", own_clocks ? proto::DOCTOR_OK : proto::DOCTOR_DEGRADED,
               own_clocks             ? "time namespaces work"
               : facts.time_namespace ? "time namespaces need user namespaces, which are refused"
                                      : "the kernel has no time namespaces",
               own_clocks ? "A worker cannot read how long the host has been up."
                          : "A worker can read how long the host has been up.",
               "boot a kernel of 5.6 or newer with CONFIG_TIME_NS, and allow user namespaces"});
  Add(answer, {"seccomp", StateOf(facts.seccomp), Said(facts.seccomp, "filters work"),
               "A worker that makes a system call it has no need of is killed.",
               "boot a kernel with CONFIG_SECCOMP_FILTER"});
  bool named = facts.seccomp_listener.works();
  Add(answer, {"denied-calls", StateOf(facts.seccomp_listener, proto::DOCTOR_DEGRADED),
               Said(facts.seccomp_listener, "user notification works"),
               named ? "An incident of such a call says which it was."
                     : "A worker that makes such a call is killed, but no incident can say which "
                       "call it was.",
               "boot a kernel of 5.0 or newer, or have the container's seccomp profile allow user "
               "notification"});
  Add(answer, {"landlock", facts.landlock_abi > 0 ? proto::DOCTOR_OK : proto::DOCTOR_DEGRADED,
               facts.landlock_abi > 0 ? "ABI " + std::to_string(facts.landlock_abi) : "none",
               facts.landlock_abi > 0
                   ? "A second wall, behind the mount namespace, keeps workers from files."
                   : "The mount namespace and seccomp alone keep workers from files.",
               "add landlock to lsm= on the kernel's command line"});
}

void JudgeRest(const HostFacts& facts, proto::DoctorAnswer& answer) {
  Add(answer,
      {"pidfd", StateOf(facts.pidfd), Said(facts.pidfd, "works"),
       "A signal or a wait never meets another process that got the same number.", kNewerKernel});
  Add(answer, {"memfd-seals", StateOf(facts.memfd_seals), Said(facts.memfd_seals, "works"),
               "What processes share in memory cannot be shrunk or changed under the reader.",
               kNewerKernel});
  Add(answer,
      {"realtime", StateOf(facts.realtime, proto::DOCTOR_DEGRADED),
       Said(facts.realtime, "SCHED_FIFO works"),
       facts.realtime.works() ? "Deadlines are kept to well under a millisecond on a busy host too."
                              : "On a busy host a deadline can be a few milliseconds late.",
       "LimitRTPRIO=10 in the unit; in a v1 cpu cgroup also cpu.rt_runtime_us"});
  Add(answer, {"pressure", facts.pressure ? proto::DOCTOR_OK : proto::DOCTOR_DEGRADED,
               facts.pressure ? "/proc/pressure works" : "none",
               facts.pressure ? "How long the host waits for cpu, memory and I/O can be seen."
                              : "How long the host waits for cpu, memory and I/O cannot be seen.",
               "boot with psi=1"});
}

}  // namespace

std::pair<int, int> KernelVersion(const std::string& release) {
  int major = 0, minor = 0;
  if (sscanf(release.c_str(), "%d.%d", &major, &minor) != 2) return {0, 0};
  return {major, minor};
}

proto::DoctorAnswer Judge(const HostFacts& facts) {
  proto::DoctorAnswer answer;
  JudgeStart(facts, answer);
  JudgeCgroups(facts, answer);
  JudgeWalls(facts, answer);
  JudgeRest(facts, answer);
  bool can_serve = true;
  for (const proto::DoctorCheck& check : answer.checks())
    can_serve = can_serve && check.state() != proto::DOCTOR_MISSING;
  answer.set_can_serve(can_serve);
  return answer;
}

}  // namespace nightjar
