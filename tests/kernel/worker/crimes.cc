#include "tests/kernel/worker/crimes.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <map>

namespace nightjar::testing {
namespace {

struct Attempt {
  std::string told;
  std::function<long()> commit;
};

// The i386 entrance: its call 20 is getpid, which the native filter would not even mind.
long CallOtherArchitecture() {
#if defined(__x86_64__)
  long result;
  asm volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
  return result;
#else
  return syscall(SYS_ptrace, 0, 0, 0, 0);
#endif
}

const std::map<std::string, Attempt>& Crimes() {
  static const std::map<std::string, Attempt> crimes = {
    {"open_passwd",
     {"openat(directory -100, flags 0x0)", [] { return open("/etc/passwd", O_RDONLY); }}},
    {"open_proc",
     {"openat(directory -100, flags 0x0)", [] { return open("/proc/self/status", O_RDONLY); }}},
    {"open_for_writing",
     {"openat(directory -100, flags 0x41)",
      [] { return open("/loot", O_WRONLY | O_CREAT, 0600); }}},
    {"socket",
     {"socket(domain 2, type 0x1, protocol 0)", [] { return socket(AF_INET, SOCK_STREAM, 0); }}},
    {"unix_socket",
     {"socket(domain 1, type 0x1, protocol 0)", [] { return socket(AF_UNIX, SOCK_STREAM, 0); }}},
    {"fork", {"fork", [] { return syscall(SYS_fork); }}},
    {"clone_thread",
     {"clone(flags 0x10900)",
      [] { return syscall(SYS_clone, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, 0, 0, 0, 0); }}},
    {"clone3", {"clone3", [] { return syscall(SYS_clone3, nullptr, 0); }}},
    {"execve", {"execve", [] { return syscall(SYS_execve, "/bin/sh", nullptr, nullptr); }}},
    {"ptrace",
     {"ptrace(request 0, pid 0)", [] { return ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); }}},
    {"kill_everyone", {"kill(pid -1, signal 9)", [] { return kill(-1, SIGKILL); }}},
    {"signal_another",
     {"tgkill(pid 2, tid 2, signal 9)", [] { return syscall(SYS_tgkill, 2, 2, SIGKILL); }}},
    {"setuid_root", {"setuid(uid 0)", [] { return syscall(SYS_setuid, 0); }}},
    {"mount", {"mount(flags 0x0)", [] { return mount("x", "/", "tmpfs", 0, nullptr); }}},
    {"unshare_user", {"unshare(flags 0x10000000)", [] { return unshare(CLONE_NEWUSER); }}},
    {"setns", {"setns(fd 0, type 0x0)", [] { return setns(0, 0); }}},
    {"chroot", {"chroot", [] { return chroot("/"); }}},
    {"raise_limit",
     {"prlimit64(pid 0, resource 0)",
      [] {
        rlimit all{RLIM_INFINITY, RLIM_INFINITY};
        return setrlimit(RLIMIT_CPU, &all);
      }}},
    {"prctl", {"prctl(option 4)", [] { return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }}},
    {"executable_memory",
     {"mmap(protection 0x7, flags 0x22)",
      [] {
        void* base = mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return base == MAP_FAILED ? -1L : 0L;
      }}},
    {"make_executable",
     {"mprotect(protection 0x5)",
      [] {
        void* base =
            mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return static_cast<long>(mprotect(base, 4096, PROT_READ | PROT_EXEC));
      }}},
    {"keyctl", {"keyctl(operation 0)", [] { return syscall(SYS_keyctl, 0, 0, 0, 0, 0); }}},
    {"bpf", {"bpf(command 0)", [] { return syscall(SYS_bpf, 0, nullptr, 0); }}},
    {"io_uring",
     {"io_uring_setup(entries 1)", [] { return syscall(SYS_io_uring_setup, 1, nullptr); }}},
    {"userfaultfd", {"userfaultfd(flags 0x0)", [] { return syscall(SYS_userfaultfd, 0); }}},
    {"perf_event_open",
     {"perf_event_open", [] { return syscall(SYS_perf_event_open, nullptr, 0, 0, 0, 0); }}},
    {"process_vm_readv",
     {"process_vm_readv(pid 1)", [] { return syscall(SYS_process_vm_readv, 1, 0, 0, 0, 0, 0); }}},
    {"pidfd_open", {"pidfd_open(pid 1, flags 0x0)", [] { return syscall(SYS_pidfd_open, 1, 0); }}},
    {"unknown_call", {"system call 1023", [] { return syscall(0x3ff); }}},
#if defined(__x86_64__)
    {"x32_call", {"", [] { return syscall(0x40000000 | SYS_getpid); }}},
#endif
    {"other_architecture", {"", CallOtherArchitecture}},
  };
  return crimes;
}

}  // namespace

std::vector<Crime> DeniedCrimes() {
  std::vector<Crime> crimes;
  for (const auto& [name, attempt] : Crimes()) crimes.push_back({name, attempt.told});
  return crimes;
}

std::string Commit(const std::string& crime) {
  auto at = Crimes().find(crime);
  if (at == Crimes().end()) return "no such crime";
  long result = at->second.commit();
  return crime + " returned " + std::to_string(result) + ": " + strerror(errno);
}

}  // namespace nightjar::testing
