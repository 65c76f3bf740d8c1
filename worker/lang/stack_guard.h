// Keeps recursion over a program's expressions and values off the end of the stack.
//
// Everything in worker/lang and worker/stdlib that calls itself as deep as a program or a value is,
// calls Check() on its way. The engine sets the limit once, before anything runs, and catches
// StackExhausted around a run. Single thread.
#pragma once

#include <cstddef>

namespace nightjar::lang {

struct StackExhausted {};

class StackGuard {
 public:
  // From here on, at most as much stack as this process may have (RLIMIT_STACK), but for a reserve
  // for whatever does not check.
  static void Arm();

  static void Check() {
    if (static_cast<const char*>(__builtin_frame_address(0)) < limit_) [[unlikely]]
      throw StackExhausted();
  }

 private:
  static inline const char* limit_ = nullptr;
};

}  // namespace nightjar::lang
