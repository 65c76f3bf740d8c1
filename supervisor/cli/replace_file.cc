#include "supervisor/cli/replace_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdio>

#include "ipc/core/fd.h"

namespace nightjar::cli {
Status ReplaceFile(const std::string& file, std::string_view text) {
  char resolved[PATH_MAX];
  struct stat before;
  if (realpath(file.c_str(), resolved) == nullptr || stat(resolved, &before) != 0)
    return FailErrno("finding " + file);
  std::string beside = std::string(resolved) + ".XXXXXX";
  Fd fd(mkostemp(beside.data(), O_CLOEXEC));
  if (!fd.valid()) return FailErrno("making a file beside " + file);
  Status written = WriteAll(fd, text, "writing");
  if (written && fsync(fd.get()) != 0) written = FailErrno("writing");
  // The owner first: a change of it takes bits off the mode.
  if (written && fchown(fd.get(), before.st_uid, before.st_gid) != 0 && errno != EPERM)
    written = FailErrno("giving the new file its owner");
  if (written && fchmod(fd.get(), before.st_mode & 07777) != 0)
    written = FailErrno("giving the new file its mode");
  if (written && rename(beside.c_str(), resolved) != 0) written = FailErrno("replacing " + file);
  if (!written) unlink(beside.c_str());
  return written;
}

}  // namespace nightjar::cli
