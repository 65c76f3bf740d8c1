// bench-victim KIND READY_FD GATE_FD TOUCH_FD: one victim of bench-kill; see victims.h.
//
// Static and small on purpose: most of what a process's end takes is unmapping what it has mapped.
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "tests/bench/kill/victims.h"

namespace nightjar::bench {
namespace {

constexpr size_t kMegabyte = 1 << 20;
constexpr size_t kPage = 4096;
constexpr int kTreeSize = 200;
constexpr int kThreads = 32;

[[noreturn]] void Fail(const char* what) {
  perror(what);
  _exit(1);
}

[[noreturn]] void Spin() {
  // An endless loop without a side effect may be assumed to end.
  for (volatile uint64_t turns = 0;;) turns = turns + 1;
}

[[noreturn]] void Sleep() {
  for (;;) pause();
}

void Say(int ready_fd) {
  if (ready_fd < 0) return;  // it was said
  if (write(ready_fd, "r", 1) != 1) _exit(1);
  close(ready_fd);
}

char* Map(size_t bytes, int populate) {
  void* at =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | populate, -1, 0);
  if (at == MAP_FAILED) Fail("mmap");
  return static_cast<char*>(at);
}

[[noreturn]] void Dirty(size_t megabytes, int ready_fd) {
  Map(megabytes * kMegabyte, MAP_POPULATE);
  Say(ready_fd);
  Spin();
}

// All of them are born before the first one spins: that they exist is the point, not how they came
// to be.
[[noreturn]] void Tree(bool spin, int ready_fd) {
  int gate[2];
  if (pipe(gate) != 0) Fail("pipe");
  for (int i = 0; i < kTreeSize; ++i) {
    pid_t child = fork();
    if (child < 0) Fail("fork");
    if (child > 0) continue;
    close(ready_fd);
    close(gate[1]);
    char byte;
    (void)!read(gate[0], &byte, 1);  // until its last writer is gone
    spin ? Spin() : Sleep();
  }
  close(gate[1]);
  Say(ready_fd);
  spin ? Spin() : Sleep();
}

[[noreturn]] void ForkBomb(int ready_fd) {
  Say(ready_fd);
  for (;;) (void)fork();
}

[[noreturn]] void Threads(int ready_fd) {
  for (int i = 1; i < kThreads; ++i) std::thread([] { Spin(); }).detach();
  Say(ready_fd);
  Spin();
}

[[noreturn]] void UseAllMemory(int ready_fd, LastTouch* touched) {
  Say(ready_fd);
  for (;;) {
    char* block = Map(kMegabyte, 0);
    for (size_t at = 0; at < kMegabyte; at += kPage) {
      block[at] = 1;
      if (touched != nullptr)
        touched->ns.store(std::chrono::steady_clock::now().time_since_epoch().count(),
                          std::memory_order_relaxed);
    }
  }
}

[[noreturn]] void Daemonize(int ready_fd) {
  pid_t between = fork();
  if (between < 0) Fail("fork");
  if (between > 0) {
    close(ready_fd);
    Sleep();
  }
  setsid();
  pid_t daemon = fork();
  if (daemon < 0) Fail("fork");
  if (daemon > 0) _exit(0);
  Say(ready_fd);
  Spin();
}

LastTouch* Shared(int touch_fd) {
  if (touch_fd < 0) return nullptr;
  void* at = mmap(nullptr, sizeof(LastTouch), PROT_READ | PROT_WRITE, MAP_SHARED, touch_fd, 0);
  if (at == MAP_FAILED) Fail("mmap");
  return static_cast<LastTouch*>(at);
}

[[noreturn]] void Live(std::string_view kind, int ready_fd, LastTouch* touched) {
  if (kind == "dirty64") Dirty(64, ready_fd);
  if (kind == "dirty500") Dirty(500, ready_fd);
  if (kind == "tree200_sleep") Tree(/*spin=*/false, ready_fd);
  if (kind == "tree200_spin") Tree(/*spin=*/true, ready_fd);
  if (kind == "fork_bomb") ForkBomb(ready_fd);
  if (kind == "threads32") Threads(ready_fd);
  if (kind == "oom") UseAllMemory(ready_fd, touched);
  if (kind == "daemon") Daemonize(ready_fd);
  if (kind != "spin" && kind != "sleep") Fail("no such victim");
  Say(ready_fd);
  kind == "spin" ? Spin() : Sleep();
}

}  // namespace
}  // namespace nightjar::bench

int main(int argc, char** argv) {
  using namespace nightjar::bench;
  if (argc != 5) return 2;
  int ready_fd = atoi(argv[2]);
  int gate_fd = atoi(argv[3]);
  if (gate_fd >= 0) {
    Say(ready_fd);
    ready_fd = -1;
    char byte;
    (void)!read(gate_fd, &byte, 1);  // until its last writer is gone
  }
  Live(argv[1], ready_fd, Shared(atoi(argv[4])));
}
