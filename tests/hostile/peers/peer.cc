#include "tests/hostile/peers/peer.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "ipc/core/bounds.h"
#include "tests/hostile/peers/judge.h"
#include "worker/sandbox/builtin_profiles.h"

namespace nightjar::hostile {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using std::to_string;

// The mebibytes of what is a whole number of them.
std::string MiB(uint64_t bytes) {
  return to_string(bytes >> 20);
}

std::string FirstLineOf(const std::string& command) {
  FILE* said = popen((command + " 2>&1").c_str(), "r");
  char line[256] = {};
  bool any = said != nullptr && fgets(line, sizeof line, said) != nullptr;
  if (said != nullptr) pclose(said);
  std::string text = any ? line : "";
  return text.substr(0, text.find('\n'));
}

bool IsInstalled(const std::string& program) {
  return !FirstLineOf("command -v " + program).empty();
}

// A shell says that it began and becomes the crime; what that writes to either output is told from
// the peer's own words so.
const std::string kShell = R"(/bin/sh -c 'echo begun; exec "$0" "$1" 2>&1' )";

std::string CrimeIn(const std::string& folder, const std::string& crime) {
  return kShell + folder + "/crime " + crime;
}

std::string UntilWall(const std::string& command) {
  return "timeout --verbose --signal=KILL " + to_string(kPeerWallSeconds) + " " + command;
}

// --- bubblewrap: namespaces and mounts. Limits and filters are its caller's, says its manual.

std::string Bubblewrap(const PeerPlace& place, const std::string& crime, const std::string& more) {
  std::string uid = to_string(place.uid);
  // Its own two processes are of the same user.
  std::string limits =
      "prlimit --nproc=" + to_string(kPeerProcesses + 2) + " --as=" + to_string(kPeerMemoryBytes) +
      " --cpu=" + to_string(kPeerCpuSeconds) + " --fsize=" + to_string(2 * kPeerTmpBytes) +
      " --nofile=" + to_string(bounds::kProgramFds) +
      " --sigpending=" + to_string(bounds::kWorkerSignals) + " --core=0 --memlock=0 --msgqueue=0 ";
  return UntilWall("setpriv --reuid=" + uid + " --regid=" + uid +
                   " --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs " + limits +
                   "bwrap --unshare-all --uid 65534 --gid 65534 --die-with-parent --new-session "
                   "--cap-drop ALL --clearenv --setenv PATH /usr/bin --ro-bind /usr /usr "
                   "--symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 "
                   "--proc /proc --dev /dev --size " +
                   to_string(kPeerTmpBytes) + " --tmpfs /tmp --ro-bind " + place.crimes +
                   " /app --remount-ro / --chdir /tmp " + more + "-- " + CrimeIn("/app", crime));
}

Peer BubblewrapPeer() {
  Peer peer{.name = "bwrap", .command = [](const PeerPlace& place, const std::string& crime) {
              return Bubblewrap(place, crime, "");
            }};
  if (IsInstalled("bwrap")) peer.version = FirstLineOf("bwrap --version");
  return peer;
}

// The same with our own list of calls, whose filter kills: bubblewrap takes a compiled one.
Peer FilteredBubblewrapPeer() {
  Peer peer = BubblewrapPeer();
  peer.name = "bwrap+list";
  peer.command = [](const PeerPlace& place, const std::string& crime) {
    return "exec 9<" + place.filter + "; " + Bubblewrap(place, crime, "--seccomp 9 ");
  };
  return peer;
}

// --- crun: an OCI runtime, with namespaces, control groups, and our own list of calls.

json FilterOf(const SeccompRules& rules) {
  json calls = json::array();
  for (const SeccompRule& rule : rules) {
    json call{{"names", {rule.call}},
              {"action", rule.error == 0 ? "SCMP_ACT_ALLOW" : "SCMP_ACT_ERRNO"}};
    if (rule.error != 0) call["errnoRet"] = rule.error;
    for (const SeccompCondition& condition : rule.conditions)
      call["args"].push_back({{"index", condition.argument},
                              {"value", condition.mask},
                              {"valueTwo", condition.value},
                              {"op", "SCMP_CMP_MASKED_EQ"}});
    calls.push_back(call);
  }
  return {{"defaultAction", "SCMP_ACT_KILL_PROCESS"},
          {"architectures", {"SCMP_ARCH_X86_64"}},
          {"syscalls", calls}};
}

json ResourceLimit(const char* name, uint64_t value) {
  return {{"type", name}, {"hard", value}, {"soft", value}};
}

json Mount(const std::string& target, const std::string& type, const std::string& source,
           const std::vector<std::string>& options) {
  return {{"destination", target}, {"type", type}, {"source", source}, {"options", options}};
}

json CrunConfig(const PeerPlace& place, const std::string& crime) {
  json namespaces = json::array();
  for (const char* kind : {"pid", "ipc", "uts", "mount", "network", "cgroup"})
    namespaces.push_back({{"type", kind}});
  return {
      {"ociVersion", "1.0.0"},
      {"process",
       {{"terminal", false},
        {"user", {{"uid", place.uid}, {"gid", place.uid}, {"umask", 077}}},
        // The shell stays the first process: the others have one of their own too, and a crime
        // against that one would be one against itself.
        {"args", {"/bin/sh", "-c", R"(echo begun; "$0" "$1" 2>&1; exit $?)", "/app/crime", crime}},
        {"env", {"PATH=/usr/bin"}},
        {"cwd", "/tmp"},
        {"capabilities", json::object()},
        {"noNewPrivileges", true},
        {"rlimits",
         {ResourceLimit("RLIMIT_CPU", kPeerCpuSeconds),
          ResourceLimit("RLIMIT_FSIZE", 2 * kPeerTmpBytes),
          ResourceLimit("RLIMIT_NOFILE", bounds::kProgramFds),
          ResourceLimit("RLIMIT_SIGPENDING", bounds::kWorkerSignals),
          ResourceLimit("RLIMIT_CORE", 0), ResourceLimit("RLIMIT_MEMLOCK", 0),
          ResourceLimit("RLIMIT_MSGQUEUE", 0)}}}},
      {"root", {{"path", "rootfs"}, {"readonly", true}}},
      {"mounts",
       {Mount("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}),
        Mount("/dev", "tmpfs", "tmpfs", {"nosuid", "mode=755", "size=64k"}),
        Mount("/tmp", "tmpfs", "tmpfs",
              {"nosuid", "nodev", "mode=1777", "size=" + to_string(kPeerTmpBytes)}),
        Mount("/usr", "bind", "/usr", {"rbind", "ro", "nosuid", "nodev"}),
        Mount("/app", "bind", place.crimes, {"bind", "ro", "nosuid", "nodev"})}},
      {"linux",
       {{"cgroupsPath", "/" + place.cgroup + "/crun"},
        {"namespaces", namespaces},
        {"resources",
         {{"memory", {{"limit", kPeerMemoryBytes}}}, {"pids", {{"limit", kPeerProcesses + 1}}}}},
        {"maskedPaths", {"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug"}},
        {"readonlyPaths",
         {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}},
        {"seccomp", FilterOf(*BuiltinProfile("program"))}}}};
}

// As root: it needs the control groups.
std::string Crun(const PeerPlace& place, const std::string& crime) {
  std::string bundle = place.folder + "/bundle";
  for (const char* folder : {"usr", "app", "tmp", "proc", "dev"})
    fs::create_directories(bundle + "/rootfs/" + folder);
  for (const char* link : {"bin", "lib", "lib64"})
    if (!fs::is_symlink(bundle + "/rootfs/" + link))
      fs::create_symlink(std::string("usr/") + link, bundle + "/rootfs/" + link);
  std::ofstream(bundle + "/config.json") << CrunConfig(place, crime);
  std::string crun = "crun --root " + place.folder + "/crun ";
  // It refuses a hierarchy that has controllers in both versions, as here, so it is not shown the
  // second; and who ends it by force must end its container too.
  return "exec unshare --mount sh -c 'mount -t tmpfs none /sys/fs/cgroup/unified; " +
         UntilWall(crun + "run --bundle " + bundle + " crime-" + to_string(place.number)) +
         "; ended=$?; " + crun + "delete --force crime-" + to_string(place.number) +
         " 2>/dev/null; exit $ended'";
}

Peer CrunPeer() {
  Peer peer{.name = "crun+list", .command = Crun};
  if (!IsInstalled("crun")) return peer;
  if (fs::exists("/sys/fs/cgroup/unified/cgroup.procs"))
    peer.version = FirstLineOf("crun --version");
  else
    peer.missing = "is run here on hosts with the hybrid hierarchy only";
  return peer;
}

// --- nsjail: namespaces, control groups, resource limits and a wall time of its own.

std::string Nsjail(const PeerPlace& place, const std::string& crime) {
  std::string uid = to_string(place.uid);
  std::string parents;
  for (const char* controller : {"mem", "pids", "cpu"})
    parents += std::string(" --cgroup_") + controller + "_parent " + place.cgroup;
  return "nsjail --mode o --time_limit " + to_string(kPeerWallSeconds) + " --user 65534:" + uid +
         " --group 65534:" + uid + " --rlimit_as " + MiB(kPeerMemoryBytes) + " --rlimit_cpu " +
         to_string(kPeerCpuSeconds) + " --rlimit_fsize " + MiB(2 * kPeerTmpBytes) +
         " --rlimit_nofile " + to_string(bounds::kProgramFds) + " --rlimit_nproc " +
         to_string(kPeerProcesses) + " --cgroup_mem_max " + to_string(kPeerMemoryBytes) +
         " --cgroup_pids_max " + to_string(kPeerProcesses) + parents +
         " --bindmount_ro /usr --bindmount_ro " + place.crimes +
         ":/app --symlink usr/bin:/bin --symlink usr/lib:/lib --symlink usr/lib64:/lib64 "
         "--mount none:/tmp:tmpfs:size=" +
         to_string(kPeerTmpBytes) + " --cwd /tmp --env PATH=/usr/bin -- " + CrimeIn("/app", crime);
}

Peer NsjailPeer() {
  Peer peer{.name = "nsjail", .command = Nsjail};
  if (IsInstalled("nsjail")) peer.version = "nsjail";  // it has no word for its version
  return peer;
}

// --- isolate: a box for contests, with times and resource limits.

// Its own status says only whether all went well; how the program ended is in its report.
std::string Isolate(const PeerPlace& place, const std::string& crime) {
  std::string isolate = "isolate --box-id=" + to_string(place.number) + " ";
  std::string report = place.folder + "/report";
  return isolate + "--init >/dev/null; " + isolate +
         "--run --time=0.5 --wall-time=" + to_string(kPeerWallSeconds) +
         " --mem=" + to_string(kPeerMemoryBytes / 1024) +
         " --fsize=" + to_string(2 * kPeerTmpBytes / 1024) +
         " --processes=" + to_string(kPeerProcesses) +
         " --open-files=" + to_string(bounds::kProgramFds) +
         " --env=PATH=/usr/bin --dir=/app=" + place.crimes + " --meta=" + report + " -- " +
         CrimeIn("/app", crime) + "; ended=$?; cat " + report +
         " >&2; grep -Eq '^(exitsig|killed)' " + report + " && ended=128; " + isolate +
         "--cleanup; exit $ended";
}

Peer IsolatePeer() {
  Peer peer{.name = "isolate", .command = Isolate};
  if (IsInstalled("isolate")) peer.version = FirstLineOf("isolate --version");
  return peer;
}

}  // namespace

std::vector<Peer> KnownPeers() {
  std::vector<Peer> peers{BubblewrapPeer(), FilteredBubblewrapPeer(), CrunPeer(), NsjailPeer(),
                          IsolatePeer()};
  for (Peer& peer : peers)
    if (peer.version.empty() && peer.missing.empty()) peer.missing = "is not installed";
  return peers;
}

}  // namespace nightjar::hostile
