#include "worker/exec/file_tree.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "ipc/core/fd.h"
#include "worker/lang/canvas_files.h"

namespace nightjar {
namespace {

// There is nothing in the tree but what was made here, so that no name can lead out of it.
Status MakeFolders(int root_fd, const std::string& path) {
  for (size_t at = path.find('/'); at != std::string::npos; at = path.find('/', at + 1))
    if (mkdirat(root_fd, path.substr(0, at).c_str(), 0755) != 0 && errno != EEXIST)
      return FailErrno("making the folder of " + path);
  return {};
}

}  // namespace

Status MakeFileTree(int root_fd,
                    const google::protobuf::RepeatedPtrField<proto::CanvasFile>& files) {
  if (std::string wrong = lang::WrongFile(files); !wrong.empty())
    return Fail(ErrorCode::kProtocol, wrong);
  for (const proto::CanvasFile& file : files) {
    NJ_TRY(MakeFolders(root_fd, file.path()));
    Fd made(openat(root_fd, file.path().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!made.valid()) return FailErrno("making " + file.path());
    NJ_TRY(WriteAll(made, file.content(), file.path().c_str()));
    // The umask is its worker's own.
    if (fchmod(made.get(), file.executable() ? 0555 : 0444) != 0)
      return FailErrno("making " + file.path());
  }
  return {};
}

}  // namespace nightjar
