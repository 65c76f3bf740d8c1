#include <cstdio>

#include "supervisor/host/finding.h"

namespace nightjar {
namespace {

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

void JudgeWalls(const HostFacts& facts, proto::DoctorAnswer& answer) {
  std::string works, fails;
  bool untried = false;
  for (const auto& [name, trial] : facts.namespaces) {
    untried = untried || trial.untried();
    std::string& list = trial.works() ? works : fails;
    list += std::string(list.empty() ? "" : ", ") + name;
  }
  proto::DoctorState state = fails.empty() ? proto::DOCTOR_OK
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
