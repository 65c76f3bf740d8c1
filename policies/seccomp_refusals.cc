#include "policies/seccomp_refusals.h"

#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <iterator>

namespace nightjar::policy {
namespace {

struct Word {
  std::string_view call;
  std::string_view why;
};

constexpr std::string_view kNamespace = "it enters or makes a namespace";
constexpr std::string_view kMount = "it changes what is mounted";
constexpr std::string_view kOthers = "it reaches into other processes";
constexpr std::string_view kModule = "it loads code into the kernel or restarts it";
constexpr std::string_view kClock = "it changes the host's clock";
constexpr std::string_view kKeys = "the kernel's keyrings know no cell";
constexpr std::string_view kRing = "calls made through a ring are not filtered";
constexpr std::string_view kHost = "it changes the whole host";

constexpr Word kNever[] = {
    {"unshare", kNamespace},
    {"setns", kNamespace},
    {"clone3", "its flags lie in memory, where a filter cannot see whether it makes a namespace"},
    {"mount", kMount},
    {"umount", kMount},
    {"umount2", kMount},
    {"pivot_root", kMount},
    {"chroot", kMount},
    {"fsopen", kMount},
    {"fsconfig", kMount},
    {"fsmount", kMount},
    {"fspick", kMount},
    {"move_mount", kMount},
    {"open_tree", kMount},
    {"mount_setattr", kMount},
    {"ptrace", kOthers},
    {"process_vm_readv", kOthers},
    {"process_vm_writev", kOthers},
    {"process_madvise", kOthers},
    {"pidfd_getfd", kOthers},
    {"kcmp", kOthers},
    {"bpf", "it runs programs inside the kernel"},
    {"perf_event_open", "it watches the processor and the kernel"},
    {"userfaultfd", "it holds the kernel at a chosen place of its work"},
    {"io_uring_setup", kRing},
    {"io_uring_enter", kRing},
    {"io_uring_register", kRing},
    {"add_key", kKeys},
    {"request_key", kKeys},
    {"keyctl", kKeys},
    {"init_module", kModule},
    {"finit_module", kModule},
    {"delete_module", kModule},
    {"create_module", kModule},
    {"kexec_load", kModule},
    {"kexec_file_load", kModule},
    {"reboot", kModule},
    {"clock_settime", kClock},
    {"clock_adjtime", kClock},
    {"settimeofday", kClock},
    {"adjtimex", kClock},
    {"stime", kClock},
    {"open_by_handle_at", "it opens files by number, past every directory"},
    {"personality", "it switches off what protects memory"},
    {"seccomp", "a filter of the program's own could hide which call was denied"},
    {"fanotify_init", "it watches what others do with files"},
    {"modify_ldt", "it changes the processor's segment tables"},
    {"iopl", kHost},
    {"ioperm", kHost},
    {"swapon", kHost},
    {"swapoff", kHost},
    {"acct", kHost},
    {"quotactl", kHost},
    {"quotactl_fd", kHost},
    {"syslog", kHost},
    {"vhangup", kHost},
    {"sethostname", kHost},
    {"setdomainname", kHost},
};

constexpr Word kOpening[] = {
    {"execve", "runs another program"},
    {"execveat", "runs another program"},
    {"fork", "makes processes"},
    {"vfork", "makes processes"},
    {"clone", "makes processes and threads"},
    {"kill", "signals other processes"},
    {"tkill", "signals other processes"},
    {"tgkill", "signals other processes"},
    {"rt_sigqueueinfo", "signals other processes"},
    {"rt_tgsigqueueinfo", "signals other processes"},
    {"pidfd_send_signal", "signals other processes"},
    {"socket", "speaks to other processes"},
    {"socketpair", "speaks to other processes"},
    {"connect", "speaks to other processes"},
    {"open", "reaches files"},
    {"openat", "reaches files"},
    {"openat2", "reaches files"},
    {"mmap", "maps memory, unless told otherwise with code in it"},
    {"mprotect", "changes what memory may be, unless told otherwise to code"},
    {"prctl", "changes what the process is"},
    {"ioctl", "speaks to every driver there is"},
    {"setuid", "changes who the process is"},
    {"setgid", "changes who the process is"},
    {"setresuid", "changes who the process is"},
    {"setresgid", "changes who the process is"},
    {"capset", "changes what the process may do"},
};

// CLONE_NEWTIME is not among them: in clone its bit belongs to the exit signal.
constexpr uint64_t kNamespaceFlags = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                     CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

std::string_view Find(std::string_view call, const Word* begin, const Word* end) {
  const Word* at = std::find_if(begin, end, [&](const Word& word) { return word.call == call; });
  return at == end ? std::string_view() : at->why;
}

bool IsOneOf(const SeccompGrant& grant, uint32_t argument) {
  return grant.only && grant.only->argument == argument;
}

bool Has(const SeccompGrant& grant, std::initializer_list<uint64_t> values) {
  return std::find_first_of(grant.only->values.begin(), grant.only->values.end(), values.begin(),
                            values.end()) != grant.only->values.end();
}

bool IsUnixOnly(const SeccompGrant& grant) {
  return IsOneOf(grant, 0) && std::all_of(grant.only->values.begin(), grant.only->values.end(),
                                          [](uint64_t family) { return family == AF_UNIX; });
}

bool MakesNoNamespace(const SeccompGrant& grant) {
  return grant.without && grant.without->argument == 0 &&
         (grant.without->flags & kNamespaceFlags) == kNamespaceFlags;
}

}  // namespace

std::string WhyRefused(const SeccompGrant& grant) {
  if (auto why = Find(grant.call, std::begin(kNever), std::end(kNever)); !why.empty())
    return std::string(why);
  if (grant.call == "clone" && !MakesNoNamespace(grant))
    return "it makes namespaces, unless it is `without` every CLONE_NEW flag in argument 0";
  if ((grant.call == "socket" || grant.call == "socketpair") && !IsUnixOnly(grant))
    return "it speaks every protocol of the kernel, unless `only` AF_UNIX is in argument 0";
  if (grant.call == "ioctl") {
    if (!IsOneOf(grant, 1))
      return "it speaks to every driver, unless `only` some are in argument 1";
    if (Has(grant, {TIOCSTI, TIOCLINUX})) return "it types into the terminal of others";
  }
  if (grant.call == "prctl") {
    if (!IsOneOf(grant, 0)) return "it does too many things, unless `only` some are in argument 0";
    if (Has(grant, {PR_SET_SECCOMP}))
      return "a filter of the program's own could hide which call was denied";
    if (Has(grant, {PR_SET_PTRACER})) return std::string(kOthers);
  }
  return "";
}

std::string_view WhatItOpens(std::string_view call) {
  return Find(call, std::begin(kOpening), std::end(kOpening));
}

}  // namespace nightjar::policy
