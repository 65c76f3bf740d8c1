// Programs that multiply, outlive their parents or turn on whoever they see.
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "tests/hostile/crimes/crime.h"

namespace nightjar::hostile {
namespace {

constexpr const char* kKind = "processes";

NJ_CRIME(fork_bomb, "pids", "tried to start more processes") {
  for (int i = 0; i < kMany; ++i)
    if (Fork() == 0) Sleep();
  Sleep();
}

NJ_CRIME(bomb_of_sessions, "pids", "tried to start more processes") {
  for (int i = 0; i < kMany; ++i) {
    if (Fork() != 0) continue;
    setsid();
    if (Fork() != 0) _exit(0);
    Sleep();
  }
  Sleep();
}

NJ_CRIME(bomb_of_threads, "pids", "tried to start more processes") {
  InThreads(kMany, Sleep);
  Sleep();
}

NJ_CRIME(zombies, "pids", "tried to start more processes") {
  for (int i = 0; i < kMany; ++i)
    if (Fork() == 0) _exit(0);
  Sleep();
}

// Never more than two at a time, and never the same for long.
void RunAway() {
  while (StillTime()) {
    pid_t pid = Fork();
    if (pid > 0) _exit(0);
    if (pid == 0) setsid();
  }
}

// Memory as in execs_itself_for_ever: the kernel frees the dead of a fork loop as late as images.
NJ_CRIME(runner_from_itself, "pids|cpu_time|wall_time|memory", "") {
  if (Fork() == 0) RunAway();
  Sleep();
}

// More dead orphans than limit `pids`, one after the other: they are reaped while it runs.
NJ_CRIME(orphans_in_turn, "finished", "none is left") {
  for (int i = 0; i < 40; ++i) {
    int orphan[2];
    if (pipe(orphan) != 0) return Say("no pipe");
    pid_t parent = Fork();
    if (parent == 0) {
      pid_t child = Fork();
      if (child == 0) _exit(0);
      _exit(write(orphan[1], &child, sizeof child) == sizeof child ? 0 : 1);
    }
    waitpid(parent, nullptr, 0);
    pid_t child = 0;
    if (read(orphan[0], &child, sizeof child) != sizeof child) return Say("no orphan");
    while (kill(child, 0) == 0 && StillTime()) sched_yield();
    close(orphan[0]);
    close(orphan[1]);
  }
  Say("none is left");
}

NJ_CRIME(runner_left_behind, "finished", "left") {
  if (Fork() == 0) RunAway();
  Say("left");
}

NJ_CRIME(burners_left_behind, "finished", "left") {
  for (int i = 0; i < 4; ++i)
    if (Fork() == 0) {
      setsid();
      ForkBurner();
      _exit(0);
    }
  while (wait(nullptr) > 0) continue;
  Say("left");
}

NJ_CRIME(burners_of_a_sleeper, "cpu_time", "") {
  for (int i = 0; i < 3; ++i) ForkBurner();
  Sleep();
}

// Its parent is the worker.
NJ_CRIME(sibling_by_clone, "finished", "left") {
  for (int i = 0; i < 3; ++i)
    if (syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) == 0) Sleep();
  signal(SIGPROF, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  for (int s : {SIGPROF, SIGTERM})
    if (syscall(SYS_clone, s, 0, 0, 0, 0) == 0) {
      syscall(SYS_clone, CLONE_PARENT | s, 0, 0, 0, 0);
      _exit(0);
    }
  Say("left");
}

// No file says any more what program this is.
NJ_CRIME(runs_from_memory, "finished", "left") {
  int from = open("/proc/self/exe", O_RDONLY);
  int to = memfd_create("kworker", MFD_CLOEXEC);
  static char piece[1 << 16];
  for (ssize_t got; (got = read(from, piece, sizeof piece)) > 0;)
    if (write(to, piece, static_cast<size_t>(got)) != got) return Say("full");
  if (Fork() == 0) {
    setsid();
    char name[] = "kworker";
    char crime[] = "sleep_for_ever";
    char* words[] = {name, crime, nullptr};
    char* nothing[] = {nullptr};
    fexecve(to, words, nothing);
  }
  Say("left");
}

NJ_CRIME(holder_of_the_output, "finished", "early") {
  Say("early");
  if (Fork() == 0) Sleep();
}

NJ_CRIME(subreaper, "finished", "left") {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (Fork() == 0) {
    for (int i = 0; i < 3; ++i)
      if (Fork() == 0) Sleep();
    _exit(0);
  }
  wait(nullptr);
  Say("left");
}

NJ_CRIME(death_signals_in_a_ring, "finished", "left") {
  for (int i = 0; i < 4; ++i)
    if (Fork() == 0) {
      prctl(PR_SET_PDEATHSIG, SIGSTOP);
      Sleep();
    }
  Say("left");
}

NJ_CRIME(deaf_children, "finished", "left") {
  for (int i = 0; i < 4; ++i)
    if (Fork() == 0) {
      sigset_t all;
      sigfillset(&all);
      sigprocmask(SIG_SETMASK, &all, nullptr);
      for (int s = 1; s < NSIG; ++s) signal(s, SIG_IGN);
      Sleep();
    }
  Say("left");
}

NJ_CRIME(stops_everything, "finished", "stopped") {
  for (int i = 0; i < 3; ++i)
    if (Fork() == 0) Sleep();
  kill(-1, SIGSTOP);
  kill(1, SIGSTOP);
  Say("stopped");
}

NJ_CRIME(stops_itself, "wall_time", "") {
  kill(getpid(), SIGSTOP);
}

NJ_CRIME(kills_everything, "finished", "alive") {
  kill(-1, SIGKILL);
  kill(1, SIGKILL);
  Say("alive");
}

NJ_CRIME(kills_its_group, "crashed", "signal 9") {
  kill(0, SIGKILL);
}

NJ_CRIME(every_signal_to_init, "finished", "alive") {
  for (int s = 1; s < NSIG; ++s)
    for (int i = 0; i < 5; ++i) {
      kill(1, s);
      syscall(SYS_tgkill, 1, 1, s);
    }
  Say("alive");
}

// The worker's own timers are told from other signals by what the kernel says of their origin.
NJ_CRIME(forged_timers_to_init, "finished", "forged 0") {
  int delivered = 0;
  for (int code : {SI_KERNEL, SI_TIMER, SI_USER, SI_TKILL})
    for (int s : {SIGALRM, SIGPROF, SIGVTALRM}) {
      siginfo_t info{};
      info.si_signo = s;
      info.si_code = code;
      bool kernels = code >= 0;
      if (syscall(SYS_rt_sigqueueinfo, 1, s, &info) == 0 && kernels) ++delivered;
      if (syscall(SYS_rt_tgsigqueueinfo, 1, 1, s, &info) == 0 && kernels) ++delivered;
      int pidfd = static_cast<int>(syscall(SYS_pidfd_open, 1, 0));
      if (syscall(SYS_pidfd_send_signal, pidfd, s, &info, 0) == 0 && kernels) ++delivered;
      close(pidfd);
    }
  Say(delivered == 0 ? "forged 0" : "forged some");
}

NJ_CRIME(signal_storm_at_init, "cpu_time|wall_time", "") {
  for (int i = 0; i < 3; ++i)
    if (Fork() == 0)
      while (StillTime())
        for (int s : {SIGALRM, SIGPROF, SIGCHLD, SIGPIPE}) kill(1, s);
  Sleep();
}

// Without memory, descriptors or files its worker could not answer for it.
NJ_CRIME(limits_of_init, "denied_syscall", "prlimit64") {
  for (int resource : {RLIMIT_AS, RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_CPU, RLIMIT_DATA}) {
    rlimit none{0, 0};
    SayResult(prlimit(1, static_cast<__rlimit_resource>(resource), &none, nullptr));
  }
}

NJ_CRIME(child_of_vfork_stays, "wall_time", "") {
  if (syscall(SYS_vfork) == 0)
    for (;;) pause();
}

NJ_CRIME(leader_leaves_a_thread, "cpu_time", "") {
  pthread_t thread;
  pthread_create(
      &thread, nullptr,
      [](void*) -> void* {
        Burn();
        return nullptr;
      },
      nullptr);
  pthread_exit(nullptr);
}

// Memory, where a processor is held for long: the kernel frees dead images only after all of them
// have looked up, and until then the cell pays for them.
NJ_CRIME(execs_itself_for_ever, "cpu_time|wall_time|memory", "") {
  // A new image has a new clock; the alarm stays.
  char self[] = "/proc/self/exe";
  char name[] = "execs_itself_for_ever";
  char* words[] = {self, name, nullptr};
  char* nothing[] = {nullptr};
  unsigned left = alarm(0);
  if (left <= 2) return;
  execve(self, words, nothing);
}

NJ_CRIME(exit_at_the_deadline, "finished|wall_time", "") {
  // The limit of the suite's policy, less what a start takes.
  timespec almost{1, 970'000'000};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &almost, nullptr);
  Say("on time");
}

NJ_CRIME(aborts, "crashed", "signal 6") {
  abort();
}

// It would be told that it broke limit `cpu`.
NJ_CRIME(claims_the_cpu_limit, "crashed", "signal 24") {
  raise(SIGXCPU);
}

NJ_CRIME(segfaults_in_a_thread, "crashed", "signal 11") {
  pthread_t thread;
  pthread_create(
      &thread, nullptr,
      [](void*) -> void* {
        raise(SIGSEGV);
        return nullptr;
      },
      nullptr);
  Sleep();
}

NJ_CRIME(kinder_than_allowed, "finished", "EACCES") {
  SayResult(setpriority(PRIO_PROCESS, 0, -20));
}

}  // namespace
}  // namespace nightjar::hostile
