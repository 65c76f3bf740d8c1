// Calls that no program needs and every attack begins with.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

#include "tests/hostile/crimes/crime.h"

namespace nightjar::hostile {
namespace {

constexpr const char* kKind = "system calls";
constexpr const char* kNothing = nullptr;

// One call with these arguments, which ends the run and is named in its incident.
#define NJ_DENIED(name, call, ...)                             \
  NJ_CRIME(name, "denied_syscall", #call) {                    \
    SayResult(syscall(SYS_##call __VA_OPT__(, ) __VA_ARGS__)); \
  }
// One call which fails.
#define NJ_FAILS(name, error, call, ...)                       \
  NJ_CRIME(name, "finished", #error) {                         \
    SayResult(syscall(SYS_##call __VA_OPT__(, ) __VA_ARGS__)); \
  }

NJ_DENIED(traces_its_parent, ptrace, 16, 1, 0, 0)
NJ_DENIED(lets_itself_be_traced, ptrace, 0, 0, 0, 0)
NJ_DENIED(compares_processes, kcmp, getpid(), 1, 0, 0, 0)
NJ_DENIED(takes_a_descriptor, pidfd_getfd, 3, 0, 0)
NJ_DENIED(advises_a_process, process_madvise, 3, kNothing, 0, 20, 0)
NJ_DENIED(loads_bpf, bpf, 5, kNothing, 0)
NJ_DENIED(makes_a_key, add_key, "user", "left", "x", 1, -4)
NJ_DENIED(joins_a_keyring, keyctl, 1, 0, 0, 0, 0)
NJ_DENIED(asks_for_a_key, request_key, "user", "left", kNothing, -4)
NJ_DENIED(handles_page_faults, userfaultfd, 0)
NJ_DENIED(counts_events, perf_event_open, kNothing, 0, -1, -1, 0)
NJ_DENIED(new_user_namespace, unshare, CLONE_NEWUSER)
NJ_DENIED(new_mount_namespace, unshare, CLONE_NEWNS)
NJ_DENIED(joins_a_namespace, setns, 0, 0)
NJ_DENIED(mounts, mount, "none", "/tmp", "proc", 0, 0)
NJ_DENIED(mounts_the_new_way, fsopen, "proc", 0)
NJ_DENIED(copies_a_mount, open_tree, -100, "/", 1)
NJ_DENIED(changes_a_mount, mount_setattr, -100, "/", 0, 0, 0)
NJ_DENIED(unmounts, umount2, "/app", 2)
NJ_DENIED(turns_the_root, pivot_root, "/tmp", "/tmp")
NJ_DENIED(another_root, chroot, "/tmp")
NJ_DENIED(clone_with_a_namespace, clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)
NJ_DENIED(loads_a_kernel, kexec_load, 0, 0, kNothing, 0)
NJ_DENIED(loads_a_module, init_module, kNothing, 0, "")
NJ_DENIED(loads_a_module_file, finit_module, 0, "", 0)
NJ_DENIED(opens_by_handle, open_by_handle_at, -100, kNothing, 0)
NJ_DENIED(watches_the_host, fanotify_init, 0, 0)
NJ_DENIED(restarts_the_machine, reboot, 0, 0, 0, 0)
NJ_DENIED(names_the_machine, sethostname, "owned", 5)
NJ_DENIED(accounts, acct, kNothing)
NJ_DENIED(swaps, swapon, "/tmp/x", 0)
NJ_DENIED(bends_segments, modify_ldt, 0, kNothing, 0)
NJ_DENIED(input_and_output_ports, iopl, 3)
NJ_DENIED(sets_quotas, quotactl, 0, kNothing, 0, kNothing)
NJ_DENIED(debugs_io, io_setup, 1, kNothing)
NJ_DENIED(types_on_the_terminal, ioctl, 0, TIOCSTI, "x")
NJ_DENIED(signals_about_files, fcntl, 0, F_SETOWN, 1)
NJ_DENIED(moves_its_memory_map, prctl, PR_SET_MM, 1, 0, 0, 0)
NJ_DENIED(keeps_capabilities, prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0)
NJ_DENIED(filters_itself_by_prctl, prctl, PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0)

NJ_FAILS(ring_of_calls, ENOSYS, io_uring_setup, 1, kNothing)
NJ_FAILS(clone_with_hidden_flags, ENOSYS, clone3, kNothing, 0)
NJ_FAILS(filters_itself, ENOSYS, seccomp, SECCOMP_SET_MODE_STRICT, 0, kNothing)
NJ_FAILS(fixed_layout, EPERM, personality, ADDR_NO_RANDOMIZE)
NJ_FAILS(becomes_root, EPERM, setuid, 0)
NJ_FAILS(becomes_root_thrice, EPERM, setresuid, 0, 0, 0)
NJ_FAILS(joins_groups, EPERM, setgroups, 0, kNothing)
NJ_FAILS(shared_memory_segment, ENOSYS, shmget, 1, 4096, 0666 | 01000)
NJ_FAILS(reads_the_kernels_log, EPERM, syslog, 3, kNothing, 0)
NJ_FAILS(secret_memory, ENOSYS, memfd_secret, 0)
NJ_FAILS(gives_pages_away, ENOSYS, vmsplice, 1, kNothing, 0, 0)
NJ_FAILS(waits_for_all_disks, EPERM, sync)

NJ_CRIME(takes_capabilities, "finished", "EPERM") {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct all[2]{{~0u, ~0u, ~0u}, {~0u, ~0u, ~0u}};
  SayResult(syscall(SYS_capset, &header, all));
}

NJ_CRIME(reads_memory_of_init, "denied_syscall", "process_vm_readv") {
  char bytes[8];
  iovec here{bytes, sizeof bytes};
  iovec there{reinterpret_cast<void*>(0x400000), sizeof bytes};
  SayResult(process_vm_readv(1, &here, 1, &there, 1, 0));
}

NJ_CRIME(unknown_call, "denied_syscall", "") {
  SayResult(syscall(5000));
}

#if defined(__x86_64__)
// Kernels that do not run the other architecture's programs fault at its entrance already.
NJ_CRIME(other_architecture, "denied_syscall|crashed", "") {
  long result;
  asm volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
  Say("allowed");
}

NJ_CRIME(x32_call, "denied_syscall", "") {
  SayResult(syscall(0x40000000 | SYS_getpid));
}
#endif

// The incident tells the thread's name, which is its own word.
NJ_CRIME(named_to_deceive, "denied_syscall", "unshare") {
  prctl(PR_SET_NAME, "\x1b[2J\nevent=a");
  SayResult(unshare(CLONE_NEWUSER));
}

// Only a process of the program's, not the program itself.
NJ_CRIME(denied_in_a_child, "denied_syscall", "unshare") {
  if (Fork() == 0) SayResult(unshare(CLONE_NEWUSER));
  Sleep();
}

}  // namespace
}  // namespace nightjar::hostile
