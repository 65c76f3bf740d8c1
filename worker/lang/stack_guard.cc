#include "worker/lang/stack_guard.h"

#include <sys/resource.h>

#include <algorithm>

namespace nightjar::lang {
namespace {

constexpr size_t kReserveBytes = 256 * 1024;
// Arguments, environment and the frames of main() lie above the place where the guard is armed.
constexpr size_t kUsedBytes = 256 * 1024;
constexpr size_t kUnlimited = 8 * 1024 * 1024;

}  // namespace

void StackGuard::Arm() {
  rlimit stack{};
  size_t bytes = kUnlimited;
  if (getrlimit(RLIMIT_STACK, &stack) == 0 && stack.rlim_cur != RLIM_INFINITY)
    bytes = std::max<size_t>(stack.rlim_cur, 2 * (kReserveBytes + kUsedBytes));
  limit_ =
      static_cast<const char*>(__builtin_frame_address(0)) - (bytes - kReserveBytes - kUsedBytes);
}

}  // namespace nightjar::lang
