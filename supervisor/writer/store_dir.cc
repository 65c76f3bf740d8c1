#include "supervisor/writer/store_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "ipc/core/bounds.h"

namespace nightjar {
namespace {

constexpr std::string_view kVersion = "nightjar-store 1\n";

// The directory above belongs to the supervisor, so what lies at `path` is not taken on trust by a
// root that gives it away.
Result<Fd> OpenDirectory(const std::string& path) {
  Fd dir(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!dir.valid()) return FailErrno(path);
  return dir;
}

Status CheckVersion(const Fd& dir, const std::string& path) {
  auto version = ReadFileAt(dir.get(), "version");
  if (version && *version == kVersion) return {};
  if (version) {
    std::string first = version->substr(0, version->find('\n')).substr(0, 40);
    return Fail(ErrorCode::kUnsupported,
                path + " was written by another version (\"" + first +
                    "\"): use that version of nightjar, or another --state directory");
  }
  if (version.error().code != ErrorCode::kNotFound) return Wrap(version.error(), path);
  // Renamed into place, so that a crash here does not leave half a version behind.
  Fd file(openat(dir.get(), "version.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.valid()) return FailErrno(path + "/version");
  if (write(file.get(), kVersion.data(), kVersion.size()) != static_cast<ssize_t>(kVersion.size()))
    return FailErrno(path + "/version");
  if (renameat(dir.get(), "version.new", dir.get(), "version") != 0)
    return FailErrno(path + "/version");
  return {};
}

}  // namespace

Status StoreDir::Prepare(const std::string& path, uint32_t uid, uint32_t gid) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return FailErrno("making " + path);
  NJ_ASSIGN(Fd dir, OpenDirectory(path));
  struct stat info;
  if (fstat(dir.get(), &info) != 0) return FailErrno(path);
  if (info.st_uid == uid && info.st_gid == gid && (info.st_mode & 07777) == 0700) return {};
  if (info.st_uid != 0 && info.st_uid != uid)
    return Fail(ErrorCode::kExists,
                path + " belongs to uid " + std::to_string(info.st_uid) +
                    ", not to nightjar's writer (uid " + std::to_string(uid) +
                    "): choose another --state, or the --uid-base it was made with");
  if (fchown(dir.get(), uid, gid) != 0) return FailErrno("giving " + path + " to its writer");
  if (fchmod(dir.get(), 0700) != 0) return FailErrno(path);
  return {};
}

Result<StoreDir> StoreDir::Open(const std::string& path) {
  NJ_ASSIGN(Fd dir, OpenDirectory(path));
  Fd lock(openat(dir.get(), "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.valid()) return FailErrno(path + "/lock");
  auto give_up = std::chrono::steady_clock::now() + bounds::kStoreLockWait;
  while (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return FailErrno(path + "/lock");
    if (std::chrono::steady_clock::now() > give_up)
      return Fail(
          ErrorCode::kExists,
          path + " is in use by another nightjar-writer: stop it, or choose another --state");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  NJ_TRY(CheckVersion(dir, path));
  return StoreDir(std::move(lock));
}

}  // namespace nightjar
