// nightjar-worker's zygote, with the same engines and linked the same way, that marks the time of
// each step of a start:
//   bench-zygote CONTROL_FD UID MARKS_FD [--exec PATH...]
#include "worker/zygote.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "tests/bench/worker/marks.h"

namespace nightjar {
namespace {

Marks* marks;

// The page is touched first: that is its fault's place, and not the step that follows.
void Mark(const char* step) {
  uint32_t at = marks->count;
  if (at == Marks::kMost) return;
  strncpy(marks->marks[at].step, step, sizeof marks->marks[at].step - 1);
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  marks->marks[at].ns =
      static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
  marks->count = at + 1;
}

}  // namespace
}  // namespace nightjar

int main(int argc, char** argv) {
  using namespace nightjar;
  if (argc < 4) return fprintf(stderr, "bench-zygote is started by bench-worker\n"), 2;
  ZygoteOptions options;
  options.control_fd = atoi(argv[1]);
  options.uid = static_cast<uint32_t>(strtoul(argv[2], nullptr, 10));
  options.mark = Mark;
  void* page = mmap(nullptr, sizeof(Marks), PROT_READ | PROT_WRITE, MAP_SHARED, atoi(argv[3]), 0);
  if (page == MAP_FAILED) return perror("bench-zygote"), 1;
  marks = static_cast<Marks*>(page);
  if (argc > 4 && std::string_view(argv[4]) == "--exec") {
    options.exec = true;
    options.root.paths.assign(argv + 5, argv + argc);
    options.profile = "program";
  }
  fcntl(atoi(argv[3]), F_SETFD, FD_CLOEXEC);
  return LiveAsZygote("bench-zygote", options,
                      options.exec ? &CreateExecEngine : &CreateDarkEngine);
}
