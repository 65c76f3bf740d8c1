// Programs that will not end.
#include <sched.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>

#include "tests/hostile/crimes/crime.h"

namespace nightjar::hostile {
namespace {

constexpr const char* kKind = "time";

void HandleAll(void (*handler)(int)) {
  for (int s = 1; s < NSIG; ++s)
    if (s != SIGALRM) signal(s, handler);
}

NJ_CRIME(spin, "cpu_time", "") {
  Burn();
}

NJ_CRIME(spin_in_threads, "cpu_time", "") {
  InThreads(3, Burn);
  Burn();
}

NJ_CRIME(spin_with_handlers, "cpu_time", "") {
  HandleAll([](int) {});
  Burn();
}

NJ_CRIME(spin_that_ignores, "cpu_time", "") {
  HandleAll(SIG_IGN);
  Burn();
}

NJ_CRIME(millisecond_children, "cpu_time|wall_time", "") {
  while (StillTime()) {
    if (Fork() == 0) {
      timespec used{};
      do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
      while (used.tv_nsec < 1'000'000);
      _exit(0);
    }
    wait(nullptr);
  }
}

NJ_CRIME(sleep_for_ever, "wall_time", "") {
  Sleep();
}

NJ_CRIME(sleep_with_all_signals_blocked, "wall_time", "") {
  sigset_t most;
  sigfillset(&most);
  sigdelset(&most, SIGALRM);
  sigprocmask(SIG_SETMASK, &most, nullptr);
  Sleep();
}

NJ_CRIME(asked_to_stop_it_multiplies, "wall_time|pids", "") {
  signal(SIGTERM, [](int) {
    for (int i = 0; i < 5; ++i) Fork();
  });
  Sleep();
}

NJ_CRIME(short_naps, "cpu_time|wall_time", "") {
  timespec nap{0, 1'000};
  while (StillTime()) clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, nullptr);
}

NJ_CRIME(timer_storm, "cpu_time|wall_time", "") {
  signal(SIGVTALRM, [](int) {});
  itimerval often{{0, 1}, {0, 1}};
  setitimer(ITIMER_VIRTUAL, &often, nullptr);
  Burn();
}

NJ_CRIME(more_timers_than_signals, "finished", "EAGAIN") {
  int made = 0;
  for (; made < 100'000; ++made) {
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, nullptr, &timer) != 0) break;
  }
  SayResult(made == 100'000 ? 0 : -1);
}

NJ_CRIME(real_time_priority, "finished", "EPERM") {
  sched_param first{99};
  SayResult(sched_setscheduler(0, SCHED_FIFO, &first));
}

NJ_CRIME(more_cpu_seconds, "finished", "EPERM") {
  rlimit all{RLIM_INFINITY, RLIM_INFINITY};
  SayResult(setrlimit(RLIMIT_CPU, &all));
}

NJ_CRIME(sets_the_clock, "denied_syscall", "clock_settime") {
  timespec zero{};
  SayResult(clock_settime(CLOCK_REALTIME, &zero));
}

NJ_CRIME(bends_the_clock, "denied_syscall", "clock_adjtime") {
  timex bend{};
  bend.modes = ADJ_TICK;
  bend.tick = 10'000;  // as it is
  SayResult(clock_adjtime(CLOCK_REALTIME, &bend));
}

}  // namespace
}  // namespace nightjar::hostile
