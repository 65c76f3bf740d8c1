#include "tests/bench/kill/victims.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

namespace nightjar::bench {
namespace {

constexpr size_t kMegabyte = 1 << 20;
constexpr size_t kPage = 4096;
constexpr int kTreeSize = 200;
constexpr int kThreads = 32;

constexpr std::array<std::pair<Victim, std::string_view>, 10> kNames{{
    {Victim::kSpin, "spin"},
    {Victim::kSleep, "sleep"},
    {Victim::kDirty64, "dirty64"},
    {Victim::kDirty500, "dirty500"},
    {Victim::kTree200Sleep, "tree200_sleep"},
    {Victim::kTree200Spin, "tree200_spin"},
    {Victim::kForkBomb, "fork_bomb"},
    {Victim::kThreads, "threads32"},
    {Victim::kOutOfMemory, "oom"},
    {Victim::kDaemon, "daemon"},
}};

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
  if (ready_fd < 0) return;
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

[[noreturn]] void Daemon(int ready_fd) {
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

}  // namespace

std::string_view NameOf(Victim victim) {
  for (const auto& [value, name] : kNames)
    if (value == victim) return name;
  return "";
}

std::optional<Victim> VictimCalled(std::string_view name) {
  for (const auto& [value, known] : kNames)
    if (known == name) return value;
  return std::nullopt;
}

void Live(Victim victim, int ready_fd, LastTouch* touched) {
  switch (victim) {
    case Victim::kDirty64:
      Dirty(64, ready_fd);
    case Victim::kDirty500:
      Dirty(500, ready_fd);
    case Victim::kTree200Sleep:
      Tree(/*spin=*/false, ready_fd);
    case Victim::kTree200Spin:
      Tree(/*spin=*/true, ready_fd);
    case Victim::kForkBomb:
      ForkBomb(ready_fd);
    case Victim::kThreads:
      Threads(ready_fd);
    case Victim::kOutOfMemory:
      UseAllMemory(ready_fd, touched);
    case Victim::kDaemon:
      Daemon(ready_fd);
    case Victim::kSleep:
      Say(ready_fd);
      Sleep();
    case Victim::kSpin:
      break;
  }
  Say(ready_fd);
  Spin();
}

}  // namespace nightjar::bench
