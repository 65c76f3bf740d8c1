// The walls behind the system call filter: with a filter that lets everything pass, the others hold
// by themselves.

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <map>
#include <set>
#include <sstream>

#include "ipc/core/clone.h"
#include "worker/sandbox/empty_world.h"
#include "worker/sandbox/enter.h"
#include "worker/sandbox/landlock.h"

namespace nightjar {
namespace {

constexpr uint32_t kZygoteUid = 2'120'920'000;  // of a range that no account uses
constexpr uint32_t kWorkerUid = kZygoteUid + 16;

int ConnectToLoopback() {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) return fd;
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(80);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof name);
}

int RaiseLimit() {
  rlimit more{100, 100};
  return setrlimit(RLIMIT_NPROC, &more);
}

// Each attempt's name and its errno, 0 for a success, a line.
std::string TryEverything() {
  std::ostringstream said;
  auto attempt = [&](const char* name, long result) {
    int error = errno;
    said << name << ' ' << (result < 0 ? error : 0) << '\n';
  };
  attempt("read_file", open("/etc/passwd", O_RDONLY));
  attempt("read_proc", open("/proc/self/maps", O_RDONLY));
  attempt("list_root", open("/", O_RDONLY | O_DIRECTORY));
  attempt("write_file", open("/loot", O_WRONLY | O_CREAT, 0600));
  attempt("make_directory", mkdir("/loot", 0700));
  attempt("make_device", mknod("/null", S_IFCHR | 0600, makedev(1, 3)));
  attempt("mount", mount("x", "/", "tmpfs", 0, nullptr));
  attempt("remount", mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND, nullptr));
  attempt("chroot", chroot("/"));
  attempt("new_mounts", unshare(CLONE_NEWNS));
  attempt("hostname", sethostname("mine", 4));
  attempt("become_root", setuid(0));
  attempt("become_zygote", setuid(kZygoteUid));
  attempt("raise_limit", RaiseLimit());
  attempt("signal_others", kill(-1, SIGKILL));
  attempt("connect", ConnectToLoopback());
  long child = syscall(SYS_fork);
  if (child == 0) _exit(0);
  attempt("fork", child);
  int bounding = 0;
  for (int capability = 0; capability < 41; ++capability)
    bounding += prctl(PR_CAPBSET_READ, capability, 0, 0, 0) > 0;
  said << "bounding_set " << bounding << '\n';
  said << "pid " << getpid() << '\n';
  said << "uid " << getuid() - kZygoteUid << '\n';
  return said.str();
}

const Profile& ProfileThatAllowsEverything() {
  static const Profile profile{{{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}}, OnDenial::kKill};
  return profile;
}

// The steps that Enter() has told of.
std::string first_step, last_step;
void NoteStep(const char* step) {
  if (first_step.empty()) first_step = step;
  last_step = step;
}

[[noreturn]] void LiveInsideWalls(int control, int landlock) {
  if (!RenewStackGuard()) _exit(1);
  Seal seal;
  seal.uid = kWorkerUid;
  seal.cpu_seconds_max = 10;
  seal.control_fd = seal.ring_fd = control;
  seal.walls = {
      .profile = &ProfileThatAllowsEverything(), .landlock_fd = landlock, .mark = NoteStep};
  DenialListener listener;
  SealFailure failure = Enter(seal, &listener);
  std::string said = failure.step == nullptr ? TryEverything()
                                             : "not_sealed_" + std::string(failure.step) + " " +
                                                   strerror(failure.error);
  said += "told_of_all_steps " + std::to_string(first_step == "clone3" && last_step == "seccomp") +
          "\n";
  send(kControlFd, said.data(), said.size(), 0);
  _exit(0);
}

// The zygote's part, in a process of its own.
[[noreturn]] void PrepareAndFork(int control) {
  auto landlock = CreateDenyAllRuleset();
  Status prepared = landlock ? EnterEmptyWorld() : Status(tl::unexpect, landlock.error());
  if (prepared) prepared = KeepThreeCapabilities(kZygoteUid);
  if (!prepared) {
    std::string said = "not_prepared " + prepared.error().ToString();
    send(control, said.data(), said.size(), 0);
    _exit(1);
  }
  CloneArguments clone;
  clone.flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | kCloneClearSighand;
  clone.exit_signal = SIGCHLD;
  long pid = Clone3(clone);
  if (pid == 0) LiveInsideWalls(control, landlock->get());
  waitpid(static_cast<pid_t>(pid), nullptr, 0);
  _exit(0);
}

TEST(WallsTest, HoldWithoutTheSystemCallFilter) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to build the walls";
  auto ends = SeqpacketPair();
  ASSERT_TRUE(ends);
  pid_t zygote = fork();
  if (zygote == 0) PrepareAndFork(ends->second.get());
  ends->second.Close();
  char text[4096];
  ssize_t got = recv(ends->first.get(), text, sizeof text, 0);
  ASSERT_EQ(waitpid(zygote, nullptr, 0), zygote);
  ASSERT_GT(got, 0);
  std::map<std::string, int> said;
  std::istringstream lines(std::string(text, static_cast<size_t>(got)));
  for (std::string name, value; lines >> name >> value;) {
    ASSERT_EQ(name.rfind("not_", 0), std::string::npos) << name << " " << value;
    said[name] = std::stoi(value);
  }
  const std::map<std::string, std::set<int>> expected = {
      {"read_file", {ENOENT, EACCES}},  // nothing is there; with Landlock nothing may be
      {"read_proc", {ENOENT, EACCES}},
      {"list_root", {0, EACCES}},  // it is empty, on kernels without Landlock
      {"write_file", {EROFS, EACCES}},
      {"make_directory", {EROFS, EACCES}},
      {"make_device", {EROFS, EACCES, EPERM}},
      {"mount", {EPERM}},
      {"remount", {EPERM}},
      {"chroot", {EPERM}},
      {"new_mounts", {EPERM}},
      {"hostname", {EPERM}},
      {"become_root", {EPERM}},
      {"become_zygote", {EPERM}},
      {"raise_limit", {EPERM}},
      {"signal_others", {ESRCH}},
      {"connect", {EACCES, ENETUNREACH}},  // Landlock; or a network without an address
      {"fork", {EAGAIN}},
      {"bounding_set", {0}},
      {"pid", {1}},
      {"uid", {kWorkerUid - kZygoteUid}},
      {"told_of_all_steps", {1}},
  };
  for (const auto& [name, allowed] : expected) {
    ASSERT_TRUE(said.count(name)) << name;
    EXPECT_TRUE(allowed.count(said[name])) << name << ": " << strerror(said[name]);
  }
}

}  // namespace
}  // namespace nightjar
