#include "policies/seccomp_vocabulary.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace nightjar::policy {
namespace {

struct Constant {
  std::string_view name;
  uint64_t value;
};

#define NJ_CONSTANT(name) \
  { #name, static_cast < uint64_t>(name) }

constexpr Constant kConstants[] = {
    // mmap, mprotect
    NJ_CONSTANT(PROT_EXEC),
    NJ_CONSTANT(PROT_READ),
    NJ_CONSTANT(PROT_WRITE),
    NJ_CONSTANT(MAP_SHARED),
    NJ_CONSTANT(MAP_PRIVATE),
    NJ_CONSTANT(MAP_FIXED),
    NJ_CONSTANT(MAP_ANONYMOUS),
    NJ_CONSTANT(MAP_HUGETLB),
    // fcntl
    NJ_CONSTANT(F_DUPFD),
    NJ_CONSTANT(F_DUPFD_CLOEXEC),
    NJ_CONSTANT(F_GETFD),
    NJ_CONSTANT(F_SETFD),
    NJ_CONSTANT(F_GETFL),
    NJ_CONSTANT(F_SETFL),
    NJ_CONSTANT(F_GETLK),
    NJ_CONSTANT(F_SETLK),
    NJ_CONSTANT(F_SETLKW),
    NJ_CONSTANT(F_OFD_GETLK),
    NJ_CONSTANT(F_OFD_SETLK),
    NJ_CONSTANT(F_OFD_SETLKW),
    NJ_CONSTANT(F_GETPIPE_SZ),
    NJ_CONSTANT(F_SETPIPE_SZ),
    NJ_CONSTANT(F_ADD_SEALS),
    NJ_CONSTANT(F_GET_SEALS),
    // socket, socketpair
    NJ_CONSTANT(AF_UNIX),
    NJ_CONSTANT(AF_INET),
    NJ_CONSTANT(AF_INET6),
    NJ_CONSTANT(AF_NETLINK),
    NJ_CONSTANT(AF_PACKET),
    NJ_CONSTANT(AF_VSOCK),
    NJ_CONSTANT(AF_ALG),
    // clone
    NJ_CONSTANT(CLONE_NEWNS),
    NJ_CONSTANT(CLONE_NEWCGROUP),
    NJ_CONSTANT(CLONE_NEWUTS),
    NJ_CONSTANT(CLONE_NEWIPC),
    NJ_CONSTANT(CLONE_NEWUSER),
    NJ_CONSTANT(CLONE_NEWPID),
    NJ_CONSTANT(CLONE_NEWNET),
    NJ_CONSTANT(CLONE_PTRACE),
    NJ_CONSTANT(CLONE_UNTRACED),
    NJ_CONSTANT(CLONE_PARENT),
    NJ_CONSTANT(CLONE_THREAD),
    NJ_CONSTANT(CLONE_VM),
    // prctl
    NJ_CONSTANT(PR_SET_NAME),
    NJ_CONSTANT(PR_GET_NAME),
    NJ_CONSTANT(PR_SET_PDEATHSIG),
    NJ_CONSTANT(PR_GET_PDEATHSIG),
    NJ_CONSTANT(PR_GET_DUMPABLE),
    NJ_CONSTANT(PR_SET_DUMPABLE),
    NJ_CONSTANT(PR_GET_NO_NEW_PRIVS),
    NJ_CONSTANT(PR_SET_NO_NEW_PRIVS),
    NJ_CONSTANT(PR_GET_TIMERSLACK),
    NJ_CONSTANT(PR_SET_TIMERSLACK),
    NJ_CONSTANT(PR_CAPBSET_READ),
    NJ_CONSTANT(PR_GET_SECCOMP),
    NJ_CONSTANT(PR_SET_SECCOMP),
    NJ_CONSTANT(PR_SET_MM),
    NJ_CONSTANT(PR_SET_PTRACER),
    NJ_CONSTANT(PR_GET_CHILD_SUBREAPER),
    NJ_CONSTANT(PR_SET_CHILD_SUBREAPER),
    NJ_CONSTANT(PR_SET_THP_DISABLE),
    {"PR_SET_VMA", 0x53564d41},
    // ioctl
    NJ_CONSTANT(TCGETS),
    NJ_CONSTANT(TCSETS),
    NJ_CONSTANT(TCSETSW),
    NJ_CONSTANT(TCSETSF),
    NJ_CONSTANT(TIOCGWINSZ),
    NJ_CONSTANT(TIOCSWINSZ),
    NJ_CONSTANT(TIOCGPGRP),
    NJ_CONSTANT(TIOCSPGRP),
    NJ_CONSTANT(TIOCGSID),
    NJ_CONSTANT(TIOCSCTTY),
    NJ_CONSTANT(TIOCNOTTY),
    NJ_CONSTANT(TIOCSTI),
    NJ_CONSTANT(TIOCLINUX),
    NJ_CONSTANT(FIONREAD),
    NJ_CONSTANT(FIONBIO),
    NJ_CONSTANT(FIOCLEX),
    NJ_CONSTANT(FIONCLEX),
    NJ_CONSTANT(FICLONE),
    NJ_CONSTANT(FS_IOC_GETFLAGS),
};

#undef NJ_CONSTANT

constexpr int kErrnos = 134;  // one more than the largest of Linux

}  // namespace

std::optional<uint64_t> ConstantNamed(std::string_view name) {
  auto at = std::find_if(std::begin(kConstants), std::end(kConstants),
                         [&](const Constant& constant) { return constant.name == name; });
  if (at == std::end(kConstants)) return std::nullopt;
  return at->value;
}

std::span<const std::string_view> ConstantNames() {
  static constexpr auto kNames = [] {
    std::array<std::string_view, std::size(kConstants)> names;
    for (size_t i = 0; i < names.size(); ++i) names[i] = kConstants[i].name;
    return names;
  }();
  return kNames;
}

std::optional<int> ErrnoNamed(std::string_view name) {
  for (int number = 1; number < kErrnos; ++number)
    if (const char* known = strerrorname_np(number); known != nullptr && name == known)
      return number;
  return std::nullopt;
}

std::vector<std::string_view> ErrnoNames() {
  std::vector<std::string_view> names;
  for (int number = 1; number < kErrnos; ++number)
    if (const char* known = strerrorname_np(number); known != nullptr) names.push_back(known);
  return names;
}

}  // namespace nightjar::policy
