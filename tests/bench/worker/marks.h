// When each step of one worker's start was done: written by the zygote and then by its child, read
// by the bench once the worker has said that it is sealed. One page, shared by all three.
#pragma once

#include <atomic>
#include <cstdint>

namespace nightjar {

struct Marks {
  static constexpr uint32_t kMost = 32;
  struct Mark {
    char step[32];
    uint64_t ns;  // CLOCK_MONOTONIC
  };
  std::atomic<uint32_t> count;
  Mark marks[kMost];
};
static_assert(sizeof(Marks) <= 4096);

}  // namespace nightjar
