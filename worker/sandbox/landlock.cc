#include "worker/sandbox/landlock.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace nightjar {
namespace {

// Debian 12's kernel headers know ABI 2. Later ones append fields, and a kernel takes the shorter
// struct of an earlier ABI (landlock_create_ruleset(2)).
struct Ruleset {
  uint64_t handled_access_fs;
  uint64_t handled_access_net;  // from ABI 4
  uint64_t scoped;              // from ABI 6
};

constexpr uint64_t LowestBits(int count) {
  return (uint64_t{1} << count) - 1;
}

constexpr uint64_t FileBits(long abi) {
  // Thirteen in the first ABI, then refer, truncate, and ioctl on devices in the fifth.
  if (abi >= 5) return LowestBits(16);
  if (abi >= 3) return LowestBits(15);
  return LowestBits(abi == 2 ? 14 : 13);
}

constexpr size_t SizeOf(long abi) {
  if (abi >= 6) return sizeof(Ruleset);
  return abi >= 4 ? offsetof(Ruleset, scoped) : offsetof(Ruleset, handled_access_net);
}

constexpr uint32_t kVersionQuery = 1;  // LANDLOCK_CREATE_RULESET_VERSION

}  // namespace

Result<Fd> CreateDenyAllRuleset() {
  long abi = syscall(SYS_landlock_create_ruleset, nullptr, 0, kVersionQuery);
  // ENOSYS: not built in; EOPNOTSUPP: built in and switched off at boot.
  if (abi < 0 && (errno == ENOSYS || errno == EOPNOTSUPP)) return Fd();
  if (abi < 0) return FailErrno("asking for Landlock's version");
  // TCP bind and connect; abstract sockets and signals.
  Ruleset ruleset{FileBits(abi), LowestBits(2), LowestBits(2)};
  long fd = syscall(SYS_landlock_create_ruleset, &ruleset, SizeOf(abi), 0);
  if (fd < 0) return FailErrno("making a Landlock rule set");
  return Fd(static_cast<int>(fd));
}

int DenyEverything(int ruleset_fd) {
  if (ruleset_fd < 0) return 0;
  return static_cast<int>(syscall(SYS_landlock_restrict_self, ruleset_fd, 0));
}

}  // namespace nightjar
