/* What does an event cost with LTTng's user-space tracer? The calls and returns of bench-trace-events, in batches with a
   pause between them, so that the consumer keeps up as it may. Prints the median of nanoseconds of CPU an event. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "provider.inc"

enum { kRepeats = 61, kWarm = 10, kDepth = 16, kBatch = 4096 };

static uint64_t CpuNanos(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int Compare(const void* a, const void* b) {
  double left = *(const double*)a, right = *(const double*)b;
  return (left > right) - (left < right);
}

int main(void) {
  static double results[kRepeats];
  uint64_t id = 0;
  for (int repeat = -kWarm; repeat < kRepeats; ++repeat) {
    uint64_t began = CpuNanos();
    for (int i = 0; i < kBatch / 2 / kDepth; ++i) {
      for (int k = 0; k < kDepth; ++k, ++id)
        lttng_ust_tracepoint(nightjar_bench, call, id, id - 1, "fib", 123456, 7);
      for (int k = 0; k < kDepth; ++k)
        lttng_ust_tracepoint(nightjar_bench, returned, id - (uint64_t)k, 89);
    }
    uint64_t spent = CpuNanos() - began;
    if (repeat >= 0) results[repeat] = (double)spent / kBatch;
    struct timespec pause = {0, 20000000};
    nanosleep(&pause, NULL);
  }
  qsort(results, kRepeats, sizeof results[0], Compare);
  printf("%.1f %d\n", results[kRepeats / 2], (kRepeats + kWarm) * kBatch);
  return 0;
}
