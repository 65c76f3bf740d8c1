// What is killed by the bench: plain processes that behave like the runs that an operator fears.
//
// They are functions of the bench's own program, called in a fresh child, so that a cell and a
// peer's sandbox kill exactly the same.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
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

std::string_view NameOf(Victim victim);
std::optional<Victim> VictimCalled(std::string_view name);

// Shared with the bench. When the victim last wrote to fresh memory, CLOCK_MONOTONIC.
struct LastTouch {
  std::atomic<int64_t> ns{0};
};

// In the child. Writes a byte to `ready_fd` and closes it when it is what it is going to be (-1:
// nobody asks), and lives on until it is killed. `touched` may be null.
[[noreturn]] void Live(Victim victim, int ready_fd, LastTouch* touched);

}  // namespace nightjar::bench
