// What is killed by the bench: plain processes that behave like the runs that an operator fears.
//
// Each is a small static program (victim/main.cc), so that a cell and a peer's sandbox kill exactly
// the same, and so that its end is that of a program and not of a copy of the bench.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace nightjar::bench {

enum class Victim {
  kSpin,
  kSleep,
  kDirty64,       // 64 MB written
  kDirty500,      // 500 MB written
  kTree200Sleep,  // one process and 200 children
  kTree200Spin,
  kForkBomb,     // until something refuses
  kThreads,      // one process, 32 threads that spin
  kOutOfMemory,  // writes until it is killed
  kDaemon,       // a spinning grandchild in a session of its own, whose parent is gone
};

// Also the word on the victim's command line.
std::string_view NameOf(Victim victim);

// Shared with the bench. When the victim last wrote to fresh memory, CLOCK_MONOTONIC.
struct LastTouch {
  std::atomic<int64_t> ns{0};
};

// The victim's program, beside this one.
std::string VictimProgram();

// In a fresh child: becomes the victim. It writes a byte to `ready_fd` and closes it when it is
// what it is going to be, and lives on until it is killed. With a gate it says so before, and waits
// for the end of `gate_fd` first (-1: none). `touch_fd`: a file with a LastTouch (-1: none).
[[noreturn]] void Become(Victim victim, int ready_fd, int gate_fd = -1, int touch_fd = -1);

}  // namespace nightjar::bench
