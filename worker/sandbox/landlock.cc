#include "worker/sandbox/landlock.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace nightjar {
namespace {

// Debian 12's kernel headers know ABI 2; the layout of later ABIs only grows, and a short struct is accepted (landlock(7)).
struct Ruleset {
  uint64_t handled_access_fs;
};

constexpr uint64_t AccessBits(int abi) {
  // Bits of handled_access_fs known to each ABI: 13 in the first, then refer, truncate, and ioctl_dev in the fifth.
  if (abi >= 5) return (1ull << 16) - 1;
  if (abi >= 3) return (1ull << 15) - 1;
  if (abi == 2) return (1ull << 14) - 1;
  return (1ull << 13) - 1;
}

constexpr uint32_t kVersionQuery = 1;  // LANDLOCK_CREATE_RULESET_VERSION

}  // namespace

int DenyEveryFile() {
  long abi = syscall(SYS_landlock_create_ruleset, nullptr, 0, kVersionQuery);
  if (abi < 0) return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -1;
  Ruleset ruleset{AccessBits(static_cast<int>(abi))};
  long fd = syscall(SYS_landlock_create_ruleset, &ruleset, sizeof ruleset, 0);
  if (fd < 0) return -1;
  long restricted = syscall(SYS_landlock_restrict_self, fd, 0);
  int error = errno;
  close(static_cast<int>(fd));
  errno = error;
  return static_cast<int>(restricted);
}

}  // namespace nightjar
