#include "ipc/core/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nightjar {

Result<Fd> OpenSecretFile(const std::string& path) {
  // A pipe under this name would make whoever opens it wait.
  Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) return FailErrno(path);
  struct stat info;
  if (fstat(file.get(), &info) != 0) return FailErrno(path);
  if (!S_ISREG(info.st_mode)) return Fail(ErrorCode::kInvalid, path + " is not a file");
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return Fail(ErrorCode::kPermission, path + " can be read by others: chmod 600 " + path);
  if (info.st_uid != 0 && info.st_uid != geteuid())
    return Fail(ErrorCode::kPermission, path + " belongs to uid " + std::to_string(info.st_uid) +
                                            ": it has to be of whoever starts the supervisor");
  return file;
}

}  // namespace nightjar
