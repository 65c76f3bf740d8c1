#include "worker/sandbox/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
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

// 0: a kernel without Landlock. -1 with errno.
long Version() {
  long abi = syscall(SYS_landlock_create_ruleset, nullptr, 0, kVersionQuery);
  // ENOSYS: not built in; EOPNOTSUPP: built in and switched off at boot.
  return abi < 0 && (errno == ENOSYS || errno == EOPNOTSUPP) ? 0 : abi;
}

int CreateRuleset(long abi) {
  // TCP bind and connect; abstract sockets and signals.
  Ruleset ruleset{FileBits(abi), LowestBits(2), LowestBits(2)};
  return static_cast<int>(syscall(SYS_landlock_create_ruleset, &ruleset, SizeOf(abi), 0));
}

int AllowBelow(int ruleset, int folder, uint64_t access) {
  landlock_path_beneath_attr rule{access, folder};
  return static_cast<int>(
      syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0));
}

int Allow(int ruleset, const char* path, uint64_t access) {
  int folder = open(path, O_PATH | O_CLOEXEC);
  if (folder < 0) return -1;
  int added = AllowBelow(ruleset, folder, access);
  int error = errno;
  close(folder);
  errno = error;
  return added;
}

}  // namespace

Result<Fd> CreateDenyAllRuleset() {
  long abi = Version();
  if (abi == 0) return Fd();
  if (abi < 0) return FailErrno("asking for Landlock's version");
  Fd ruleset(CreateRuleset(abi));
  if (!ruleset.valid()) return FailErrno("making a Landlock rule set");
  return ruleset;
}

int DenyAllButPrograms(int files_fd) {
  constexpr uint64_t kSee =
      LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
  long abi = Version();
  if (abi <= 0) return static_cast<int>(abi);
  int ruleset = CreateRuleset(abi);
  if (ruleset < 0) return -1;
  bool made = Allow(ruleset, "/", kSee) == 0 && Allow(ruleset, "/tmp", FileBits(abi)) == 0 &&
              AllowBelow(ruleset, files_fd, FileBits(abi)) == 0 &&
              Allow(ruleset, "/dev", LANDLOCK_ACCESS_FS_WRITE_FILE) == 0;
  int done = made ? DenyEverything(ruleset) : -1;
  int error = errno;
  close(ruleset);
  errno = error;
  return done;
}

int DenyEverything(int ruleset_fd) {
  if (ruleset_fd < 0) return 0;
  return static_cast<int>(syscall(SYS_landlock_restrict_self, ruleset_fd, 0));
}

}  // namespace nightjar
