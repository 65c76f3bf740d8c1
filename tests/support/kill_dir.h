// A directory with a cgroup.kill that is an ordinary file: what is written to it is what a kernel
// would have killed. One thread may write while another looks.
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "ipc/core/check.h"
#include "ipc/core/fd.h"

namespace nightjar::testing {

class KillDir {
 public:
  KillDir() {
    char path[] = "/tmp/nightjar-kill-XXXXXX";
    CHECK(mkdtemp(path) != nullptr);
    path_ = path;
    dir_ = Fd(open(path, O_DIRECTORY | O_PATH | O_CLOEXEC));
    file_ = Fd(openat(dir_.get(), "cgroup.kill", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    CHECK(dir_.valid() && file_.valid());
  }
  KillDir(const KillDir&) = delete;
  ~KillDir() { std::filesystem::remove_all(path_); }

  int fd() const { return dir_.get(); }
  bool killed() const {
    char byte = 0;
    return pread(file_.get(), &byte, 1, 0) == 1 && byte == '1';
  }
  // From now on no kill can be written.
  void Break() { std::filesystem::remove(path_ + "/cgroup.kill"); }

 private:
  std::string path_;
  Fd dir_;
  Fd file_;
};

}  // namespace nightjar::testing
