// The profile for arbitrary programs, tried with real ones: a shell and a Python do their work in
// it, and whoever looks for a way out is killed. And profiles that calls were taken from.

#include "worker/sandbox/profile.h"

#include <gtest/gtest.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <string>
#include <vector>

#include "ipc/core/bounds.h"
#include "worker/sandbox/builtin_profiles.h"
#include "worker/sandbox/profile_shelf.h"

namespace nightjar::testing {
namespace {

const Profile& ProgramProfile() {
  // A denied call is seen as SIGSYS here.
  static const auto profile = CompileProfile(*BuiltinProfile("program"), OnDenial::kKill);
  EXPECT_TRUE(profile) << profile.error().ToString();
  return *profile;
}

// How a child ends that does this inside a profile.
int StatusIn(const Profile& profile, const std::function<int()>& act) {
  pid_t child = fork();
  if (child == 0) {
    rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || InstallProfile(profile) != 0) _exit(99);
    _exit(act());
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

int StatusOf(const std::function<int()>& act) {
  return StatusIn(ProgramProfile(), act);
}

int StatusOfProgram(std::vector<const char*> words) {
  words.push_back(nullptr);
  return StatusOf([&] {
    execv(words[0], const_cast<char* const*>(words.data()));
    return 98;
  });
}

constexpr char kShellWork[] = R"sh(
    set -e
    d=$(mktemp -d)
    trap 'rm -rf "$d"' EXIT
    for i in 3 1 2; do echo $i; done | sort > "$d/sorted"
    test "$(head -n 1 "$d/sorted")" = 1
    cp -a "$d/sorted" "$d/copy"
    ls -la "$d" | grep -q copy
    (sleep 0.01; kill -TERM $$) & trap 'exit 7' TERM
    wait
)sh";

constexpr char kPythonWork[] = R"py(
import asyncio, errno, mmap, multiprocessing, os, random, socket, subprocess, sys
import tempfile, threading, time
assert subprocess.check_output(["/bin/echo", "hi"]) == b"hi\n"
seen = []
thread = threading.Thread(target=lambda: seen.append(random.random()))
thread.start(); thread.join(); assert seen
with tempfile.TemporaryDirectory() as d:
    with open(os.path.join(d, "f"), "w+b") as f:
        f.write(b"x" * 4096); f.flush()
        assert mmap.mmap(f.fileno(), 4096)[0:1] == b"x"
a, b = socket.socketpair(); a.send(b"x"); assert b.recv(1) == b"x"
async def child():
    p = await asyncio.create_subprocess_exec("/bin/true")
    await asyncio.sleep(0.001)
    return await p.wait()
assert asyncio.run(child()) == 0
child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(0.001,))
child.start(); child.join(); assert child.exitcode == 0
try:
    socket.socket(socket.AF_INET)
    sys.exit(1)
except OSError as e:
    assert e.errno == errno.EAFNOSUPPORT
)py";

TEST(ProgramProfileTest, AShellDoesItsWork) {
  EXPECT_EQ(StatusOfProgram({"/bin/sh", "-c", kShellWork}), 7 << 8);
}

TEST(ProgramProfileTest, APythonDoesItsWork) {
  const char* python = "/usr/bin/python3";
  if (access(python, X_OK) != 0) GTEST_SKIP() << "needs " << python;
  EXPECT_EQ(StatusOfProgram({python, "-c", kPythonWork}), 0);
}

TEST(ProgramProfileTest, WhatEndsARunEndsIt) {
  const std::pair<const char*, std::function<int()>> attempts[] = {
      {"unshare", [] { return static_cast<int>(syscall(SYS_unshare, CLONE_NEWUSER)); }},
      {"clone into a namespace",
       [] { return static_cast<int>(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)); }},
      {"setns", [] { return static_cast<int>(syscall(SYS_setns, 0, 0)); }},
      {"mount", [] { return static_cast<int>(syscall(SYS_mount, "x", "/", "tmpfs", 0, 0)); }},
      {"ptrace", [] { return static_cast<int>(syscall(SYS_ptrace, 0, 0, 0, 0)); }},
      {"bpf", [] { return static_cast<int>(syscall(SYS_bpf, 0, nullptr, 0)); }},
      {"keyctl", [] { return static_cast<int>(syscall(SYS_keyctl, 0, 0, 0, 0, 0)); }},
      {"clock_settime", [] { return static_cast<int>(syscall(SYS_clock_settime, 0, nullptr)); }},
      {"socketpair of another family",
       [] {
         int ends[2];
         return static_cast<int>(syscall(SYS_socketpair, AF_INET, SOCK_STREAM, 0, ends));
       }},
      {"ioctl TIOCSTI", [] { return static_cast<int>(syscall(SYS_ioctl, 0, 0x5412, "x")); }},
      {"prctl PR_SET_DUMPABLE", [] { return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }},
  };
  for (const auto& [name, attempt] : attempts) {
    int status = StatusOf(attempt);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) << name << ": " << status;
  }
}

TEST(ProgramProfileTest, WhatFailsPolitelySaysSo) {
  const std::pair<long, int> calls[] = {
      {SYS_clone3, ENOSYS},        {SYS_io_uring_setup, ENOSYS}, {SYS_socket, EAFNOSUPPORT},
      {SYS_seccomp, ENOSYS},       {SYS_personality, EPERM},     {SYS_setuid, EPERM},
      {SYS_inotify_init1, ENOSYS},
  };
  for (const auto& [number, error] : calls) {
    int status = StatusOf(
        [&, number = number] { return syscall(number, 0, 0, 0, 0, 0, 0) == -1 ? errno : 0; });
    EXPECT_EQ(status, error << 8) << number;
  }
}

TEST(OnDenialTest, WhereTheListenerIsTakenTheKernelKills) {
  ASSERT_EQ(OnDenialHere(), OnDenial::kNotify);
  pid_t child = fork();
  if (child == 0) {
    // As a container's manager has it.
    const Profile outer{{BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}, OnDenial::kNotify};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || InstallProfile(outer) < 0) _exit(99);
    _exit(OnDenialHere() == OnDenial::kKill ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(BuiltinProfileTest, ThereIsNoOther) {
  EXPECT_TRUE(BuiltinProfile("interpreter"));
  EXPECT_FALSE(BuiltinProfile("anything"));
}

TEST(ProfileShelfTest, TakesCallsFromAProfileAndLeavesTheRest) {
  ProfileShelf shelf(*BuiltinProfile("program"), OnDenial::kKill);
  auto without = shelf.Without({"socket", "mkdir"});
  ASSERT_TRUE(without) << without.error().ToString();
  auto mkdir = [] { return static_cast<int>(syscall(SYS_mkdir, "/", 0)) < 0 ? errno : 0; };
  auto socket = [] { return static_cast<int>(syscall(SYS_socket, 0, 0, 0)) < 0 ? errno : 0; };
  auto rmdir = [] { return static_cast<int>(syscall(SYS_rmdir, "/x/y")) < 0 ? errno : 0; };
  for (const std::function<int()>& taken : {std::function<int()>(mkdir), {socket}}) {
    int status = StatusIn(**without, taken);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) << status;
  }
  EXPECT_EQ(StatusIn(**without, rmdir), ENOENT << 8);
  auto whole = shelf.Without({});
  ASSERT_TRUE(whole);
  EXPECT_EQ(StatusIn(**whole, mkdir), EEXIST << 8);
}

TEST(ProfileShelfTest, CompilesAListOnceInWhateverOrderItIsAskedFor) {
  ProfileShelf shelf(*BuiltinProfile("program"), OnDenial::kKill);
  const Profile* first = *shelf.Without({"mkdir", "rmdir"});
  EXPECT_EQ(*shelf.Without({"rmdir", "mkdir"}), first);
  EXPECT_NE(*shelf.Without({"rmdir"}), first);
}

TEST(ProfileShelfTest, KnowsMoreListsOneAfterTheOtherThanItKeeps) {
  ProfileShelf shelf(*BuiltinProfile("interpreter"), OnDenial::kKill);
  for (size_t i = 0; i <= 2 * bounds::kProfilesTaken; ++i)
    EXPECT_TRUE(shelf.Without({"unknown" + std::to_string(i)}));
  EXPECT_TRUE(shelf.Without({}));
}

}  // namespace
}  // namespace nightjar::testing
