#include "supervisor/app/state_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>

#include "ipc/core/bounds.h"

namespace nightjar {
namespace {

constexpr std::string_view kVersion = "nightjar-state 1\n";
// Others may pass through to the socket and the store, which have modes of their own, but not list.
constexpr mode_t kMode = 0711;

Status CheckVersion(int dir, const std::string& path, bool empty, uint32_t owner_uid) {
  auto version = ReadFileAt(dir, "version");
  if (version) {
    if (*version == kVersion) return {};
    std::string first = version->substr(0, version->find('\n')).substr(0, 40);
    return Fail(ErrorCode::kUnsupported,
                path + " was written by another version (\"" + first +
                    "\"): use that version of nightjar, or another --state directory");
  }
  if (version.error().code != ErrorCode::kNotFound) return Wrap(version.error(), path);
  if (!empty)
    return Fail(
        ErrorCode::kExists,
        path + " is not empty and not a state directory of nightjar: choose another --state");
  Fd file(openat(dir, "version", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file.valid()) return FailErrno(path + "/version");
  if (write(file.get(), kVersion.data(), kVersion.size()) != static_cast<ssize_t>(kVersion.size()))
    return FailErrno(path + "/version");
  if (fchown(file.get(), owner_uid, owner_uid) != 0) return FailErrno(path + "/version");
  return {};
}

Status CheckRoom(const Fd& dir, const std::string& path) {
  struct statvfs disk;
  if (fstatvfs(dir.get(), &disk) != 0) return FailErrno(path);
  if (uint64_t{disk.f_bavail} * disk.f_frsize >= bounds::kStateFreeBytes) return {};
  return Fail(ErrorCode::kExhausted, "the disk of " + path + " is full: free at least " +
                                         std::to_string(bounds::kStateFreeBytes / bounds::kMiB) +
                                         " MiB there, or choose another --state");
}

}  // namespace

Result<StateDir> StateDir::Open(const std::string& path, uint32_t owner_uid) {
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  if (failed) return FailErrno("making the state directory " + path, failed.value());
  Fd dir(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir.valid()) return FailErrno(path);
  struct stat info;
  if (fstat(dir.get(), &info) != 0) return FailErrno(path);
  if (info.st_uid != 0 && info.st_uid != owner_uid)
    return Fail(ErrorCode::kExists,
                path + " belongs to uid " + std::to_string(info.st_uid) +
                    ", not to nightjar (uid " + std::to_string(owner_uid) +
                    "): choose another --state, or the --uid-base it was made with");
  NJ_TRY(CheckRoom(dir, path));
  bool empty = std::filesystem::is_empty(path, failed);
  NJ_TRY(CheckVersion(dir.get(), path, empty, owner_uid));
  Fd lock(openat(dir.get(), "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.valid()) return FailErrno(path + "/lock");
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
    return Fail(ErrorCode::kExists,
                path + " is in use by a running supervisor: stop it, or choose another --state");
  if (fchown(lock.get(), owner_uid, owner_uid) != 0) return FailErrno(path + "/lock");
  if (fchown(dir.get(), owner_uid, owner_uid) != 0) return FailErrno(path);
  if (fchmod(dir.get(), kMode) != 0) return FailErrno(path);
  return StateDir(path, std::move(lock));
}

}  // namespace nightjar
