#include "supervisor/app/redaction_key.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/core/fd.h"

namespace nightjar {
namespace {

constexpr size_t kKeyBytes = 32;
constexpr const char* kName = "redaction.key";
constexpr const char* kNewName = "redaction.key.new";

Result<std::string> MakeKey(const Fd& dir, const std::string& path) {
  std::string key(kKeyBytes, '\0');
  if (getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size()))
    return FailErrno("making a key");
  unlinkat(dir.get(), kNewName, 0);  // of a start that was cut short
  Fd made(openat(dir.get(), kNewName, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!made.valid()) return FailErrno("making " + path);
  NJ_TRY(WriteAll(made, key, path.c_str()));
  if (fsync(made.get()) != 0 || renameat(dir.get(), kNewName, dir.get(), kName) != 0)
    return FailErrno("making " + path);
  return key;
}

}  // namespace

Result<std::string> OpenRedactionKey(const std::string& state_path) {
  const std::string path = state_path + "/" + kName;
  Fd dir(open(state_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir.valid()) return FailErrno(state_path);
  Fd file(openat(dir.get(), kName, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file.valid() && errno == ENOENT) return MakeKey(dir, path);
  if (!file.valid()) return FailErrno(path);
  std::string key(kKeyBytes, '\0');
  struct stat info;
  if (fstat(file.get(), &info) != 0) return FailErrno(path);
  if (!S_ISREG(info.st_mode) || info.st_size != static_cast<off_t>(kKeyBytes) ||
      read(file.get(), key.data(), key.size()) != static_cast<ssize_t>(key.size()))
    return Fail(ErrorCode::kInvalid,
                path + " is no key: remove it, and values are hashed under a new one");
  return key;
}

}  // namespace nightjar
